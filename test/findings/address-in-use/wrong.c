/* Two servers on one port. */
#include "../pair.h"

int main(void)
{
	int first = listen_at(50000), second = socket(AF_INET, SOCK_STREAM, 0);

	bind(second, (struct sockaddr *)&address, sizeof(address)); /* here */
	close(second);
	close(first);
	return 0;
}
