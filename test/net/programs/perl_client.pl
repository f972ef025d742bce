# The requests of wait_client.py in Perl, one from a child of its own.
use strict;
use warnings;
use Socket;

my $child = fork() // die "fork: $!";
if ($child == 0) {
	socket(my $other, PF_INET, SOCK_DGRAM, 0) or die "socket: $!";
	close($other);
	exit(0);
}
waitpid($child, 0);
socket(my $conn, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
connect($conn, pack_sockaddr_in(50000, inet_aton('127.0.0.1'))) or die "connect: $!";
send($conn, 'eighteen bytes ok!', 0) == 18 or die "send: $!";
defined(recv($conn, my $answer, 1024, 0)) or die "recv: $!";
close($conn);
print "$answer\n";
