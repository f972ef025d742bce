/* Two servers, the second on a port that the kernel chooses. */
#include "../pair.h"

int main(void)
{
	int first = listen_at(50000), second = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_port = 0;
	bind(second, (struct sockaddr *)&address, sizeof(address));
	close(second);
	close(first);
	return 0;
}
