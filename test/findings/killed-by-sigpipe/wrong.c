/* A sender whose peer has gone, without a word against SIGPIPE.
 *
 * also: reset-by-unread-input
 */
#include "../pair.h"

int main(void)
{
	int listener = listen_at(0), client = connect_there();
	int connection = accept(listener, NULL, NULL);

	close(connection);
	for (int i = 0; i < 3; i++)
		send(client, "hello", 5, 0); /* here */
	close(client);
	close(listener);
	return 0;
}
