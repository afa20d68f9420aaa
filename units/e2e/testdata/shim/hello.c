/* The shortest CGI program. */
#include <unistd.h>

int main(void)
{
	static const char answer[] = "Content-Type: text/plain\r\n\r\nHello world!\n";
	return write(1, answer, sizeof answer - 1) == sizeof answer - 1 ? 0 : 1;
}
