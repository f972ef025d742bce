"""The first thread ends before the others."""
import ctypes
import os
import threading
import time


def work():
    time.sleep(0.2)
    print('the other thread goes on', flush=True)
    os._exit(6)


threading.Thread(target=work).start()
ctypes.CDLL(None).pthread_exit(None)
