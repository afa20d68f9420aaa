/* The least that runs a CGI program behind SCGI: shim PROGRAM [ARGUMENT...] takes the
 * header of the request from its standard input, the connection, makes it the
 * environment, and becomes the program. It checks, bounds and logs nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static void take(char *to, size_t n)
{
	while (n > 0) {
		ssize_t got = read(0, to, n);
		if (got <= 0)
			exit(1);
		to += got;
		n -= (size_t)got;
	}
}

int main(int argc, char **argv)
{
	size_t length = 0;
	char c;
	for (take(&c, 1); c >= '0' && c <= '9' && length < 1 << 20; take(&c, 1))
		length = length * 10 + (size_t)(c - '0');
	if (c != ':' || length == 0 || argc < 2)
		return 1;
	char *block = malloc(length + 1);
	if (block == NULL)
		return 1;
	take(block, length + 1);
	if (block[length - 1] != '\0' || block[length] != ',')
		return 1;
	setenv("GATEWAY_INTERFACE", "CGI/1.1", 1);
	for (char *name = block; name < block + length;) {
		char *value = name + strlen(name) + 1;
		if (value >= block + length || setenv(name, value, 1) != 0)
			return 1;
		name = value + strlen(value) + 1;
	}
	execve(argv[1], argv + 1, environ);
	perror(argv[1]);
	return 1;
}
