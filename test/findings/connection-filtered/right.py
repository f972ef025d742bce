"""A client whose firewall drops something else."""
import socket
import subprocess

RULES = """
table inet wall {
    chain input {
        type filter hook input priority 0;
        tcp dport 50001 drop
    }
}
"""
subprocess.run(['nft', '-f', '-'], input=RULES, text=True, check=True)
server = socket.create_server(('127.0.0.1', 50000))
client = socket.socket()
client.settimeout(1.4)
try:
    client.connect(('127.0.0.1', 50000))
except OSError:
    pass
client.close()
