/* A server that reads on after its client has left. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	char bytes[1024];
	int listener = socket(AF_INET, SOCK_STREAM, 0), connection;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&address, size) < 0 ||
	    listen(listener, 5) < 0)
		return 1;
	getsockname(listener, (struct sockaddr *)&address, &size);
	if (fork() == 0) {
		int client = socket(AF_INET, SOCK_STREAM, 0);

		connect(client, (struct sockaddr *)&address, size);
		send(client, "hello", 5, 0);
		close(client);
		return 0;
	}
	connection = accept(listener, NULL, NULL);
	for (int i = 0; i < 10; i++)
		if (recv(connection, bytes, sizeof(bytes), 0) < 0) /* here */
			break;
	close(connection);
	close(listener);
	wait(NULL);
	return 0;
}
