package doctor

import "slices"

// directives are those of our units, and the usual ones in drop-ins for them (systemd.directives(7)).
var directives = []string{
	"Description", "Documentation", "After", "Before", "Requires", "Wants", "CollectMode", "StartLimitIntervalSec", "StartLimitBurst", "ConditionFileIsExecutable",
	"ListenStream", "Accept", "Backlog", "MaxConnections", "MaxConnectionsPerSource", "SocketMode", "SocketUser", "SocketGroup", "FreeBind", "RemoveOnStop",
	"TriggerLimitIntervalSec", "TriggerLimitBurst", "PollLimitIntervalSec", "PollLimitBurst", "WantedBy", "Slice",
	"ExecStart", "ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop", "Type", "Restart", "RestartSec", "TimeoutStartSec", "TimeoutStopSec", "RuntimeMaxSec", "KillMode",
	"User", "Group", "SupplementaryGroups", "DynamicUser", "UMask", "WorkingDirectory", "RootDirectory", "Environment", "EnvironmentFile", "LoadCredential", "PassEnvironment",
	"StandardInput", "StandardOutput", "StandardError", "SyslogIdentifier", "LogLevelMax", "LogRateLimitIntervalSec", "LogRateLimitBurst",
	"StateDirectory", "CacheDirectory", "RuntimeDirectory", "LogsDirectory", "ConfigurationDirectory", "BindPaths", "BindReadOnlyPaths", "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "TemporaryFileSystem",
	"MemoryMax", "MemoryHigh", "TasksMax", "CPUQuota", "CPUWeight", "IOWeight", "LimitNOFILE", "Nice", "OOMPolicy",
	"NoNewPrivileges", "CapabilityBoundingSet", "AmbientCapabilities", "PrivateTmp", "PrivateUsers", "PrivateNetwork", "PrivateDevices", "ProtectSystem", "ProtectHome", "SystemCallFilter", "RestrictAddressFamilies",
	"IPAddressAllow", "IPAddressDeny",
}

// nearest returns the most similar directive, "" for none or several.
func nearest(word string) string {
	best, found := 3, ""
	for _, d := range directives {
		switch n := distance(word, d); {
		case n < best:
			best, found = n, d
		case n == best:
			found = ""
		}
	}
	return found
}

// distance returns the number of added, omitted or changed letters (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := last
			if a[i] != b[j] {
				cost++
			}
			last, row[j+1] = row[j+1], slices.Min([]int{cost, row[j] + 1, row[j+1] + 1})
		}
	}
	return row[len(b)]
}
