/* A port that is in network order at both ends. */
#include "../pair.h"

int main(void)
{
	int listener = listen_at(50000), client = connect_there();

	close(client);
	close(listener);
	return 0;
}
