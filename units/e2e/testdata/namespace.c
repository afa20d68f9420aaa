/* Answers the connection with the name of its mount namespace: the least that
 * systemd can start. */
#include <unistd.h>

int main(void)
{
	char name[64];
	ssize_t n = readlink("/proc/self/ns/mnt", name, sizeof name);

	return n < 0 || write(3, name, n) != n;
}
