/* A sender whose peer has gone, who looks at the error. */
#include "../pair.h"

int main(void)
{
	int listener = listen_at(0), client = connect_there();
	int connection = accept(listener, NULL, NULL);

	close(connection);
	for (int i = 0; i < 3; i++)
		if (send(client, "hello", 5, MSG_NOSIGNAL) < 0)
			break;
	close(client);
	close(listener);
	return 0;
}
