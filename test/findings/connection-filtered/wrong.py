"""A client behind a firewall that drops everything."""
import socket
import subprocess

RULES = """
table inet wall {
    chain input {
        type filter hook input priority 0;
        tcp dport 50000 drop
    }
}
"""
subprocess.run(['nft', '-f', '-'], input=RULES, text=True, check=True)
client = socket.socket()
client.settimeout(1.4)
try:
    client.connect(('127.0.0.1', 50000))  # here
except OSError:
    pass
client.close()
