/* peak FILE PROGRAM [ARGUMENT...] runs a program and adds a line to FILE: the largest
 * resident set, in KiB, of it or of a process that it waited for. Being small itself, it
 * doesn't count: a process begins with the peak of the one that it was forked from. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 3)
		return 1;
	pid_t pid = fork();
	if (pid == 0) {
		execv(argv[2], argv + 2);
		_exit(127);
	}
	int status;
	struct rusage used;
	if (pid < 0 || wait4(pid, &status, 0, &used) != pid)
		return 1;
	FILE *f = fopen(argv[1], "a");
	if (f == NULL || fprintf(f, "%ld\n", used.ru_maxrss) < 0 || fclose(f) != 0)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
