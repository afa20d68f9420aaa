package worker

// App names an application. It has the fields of App in package wsgi, which is converted.
type App struct {
	File     string // the absolute path of a Python file, or ""
	Module   string // a dotted name, by itself or of File
	Folder   string // the folder above the package that File is a part of, or ""
	Callable string // the name of the application in it; "": the usual ones
}

// names are the arguments by which the runtime is told of it (runtime/application.py, load).
func (a App) names() (kind, where string) {
	switch {
	case a.File == "":
		return "module", a.Module
	case a.Folder != "":
		return "package:" + a.Module + ":" + a.Folder, a.File
	}
	return "file", a.File
}

// Config says how a worker is started.
type Config struct {
	// App is what it loads.
	App App
	// Python is the interpreter: CPython 3.8 or later, or PyPy 3.
	Python string
	// CacheDir is a directory where the worker keeps what it needs to start
	// faster next time, or "". It must belong to the worker's user or to root:
	// code is loaded from it.
	CacheDir string
	// Env is the environment of the worker. REMOTE_ADDR and REMOTE_PORT are left out.
	Env []string
	// Stderr is the descriptor of the log. The worker's standard output goes
	// there, too: what an application prints is never part of a response.
	Stderr int
	// Alone says that this process has no other children ([child.Attr]).
	Alone bool
	// Warm is for a [Warm] or a [Parent].
	Warm *WarmConfig
}

// WarmConfig says how workers are that serve more than one job.
type WarmConfig struct {
	// Board is where they say what they do.
	Board *Board
	// Weigh is from how many bytes resident on a worker says after each job how many those
	// are ([outcome.Result].Resident); 0: never.
	Weigh int64
	// Meter has a worker say what each job took ([outcome.Result].CPU and Growth).
	Meter bool
	// Files has them tell the files that modules were loaded from ([Report].Files).
	Files bool
	// Fresh says that each worker gets one job only.
	Fresh bool
	// WarmPath, with its query, is asked for with GET when the application is loaded, by
	// each process that loads it; "": nothing is.
	WarmPath string
	// Marks has each line that Python code writes to Stderr during a job begin with the ID of the job ([CutMark]).
	Marks bool
}
