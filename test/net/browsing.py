"""Chromium without a window, over the DevTools protocol by a pair of pipes.

    with Browser() as browser:
        page = browser.open('file:///...')
        page.eval('document.title')

Everything is asked and answered in JSON, an object a message, with a NUL behind each.  The
browser gets an empty profile of its own, which is removed with it.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

import netns

LIMIT = 60  # seconds for one answer: generous, for a machine that is busy

FLAGS = [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--disable-extensions', '--disable-default-apps', '--disable-dev-shm-usage', '--mute-audio',
    '--hide-scrollbars', '--force-device-scale-factor=1', '--lang=en', '--remote-debugging-pipe',
]


class Trouble(Exception):
    """The browser, or a script in the page, said no."""


class Browser:
    def __init__(self, *flags):
        self.folder = tempfile.mkdtemp(prefix='sonde-browser-')
        to_read, self.to = os.pipe()
        self.answers, to_write = os.pipe()
        self.log = open(os.path.join(self.folder, 'log'), 'wb')

        def give_pipes():
            # First out of the way of each other.
            low, high = os.dup2(to_read, 30), os.dup2(to_write, 31)
            os.dup2(low, 3)
            os.dup2(high, 4)

        self.process = subprocess.Popen(
            ['chromium', *FLAGS, f'--user-data-dir={self.folder}/profile', *flags, 'about:blank'],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, close_fds=False,
            preexec_fn=give_pipes, start_new_session=True,
            env={**os.environ, 'TZ': 'UTC', 'HOME': self.folder, 'XDG_CONFIG_HOME': self.folder,
                 'XDG_CACHE_HOME': self.folder, 'DBUS_SESSION_BUS_ADDRESS': 'disabled:'})
        os.close(to_read)
        os.close(to_write)
        self.pending = b''
        self.number = 0
        self.pages = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.send('Browser.close')
        except (OSError, Trouble):
            pass
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            pass
        netns.end_group(self.process)
        os.close(self.to)
        os.close(self.answers)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def read(self, until):
        """The next message."""
        while b'\0' not in self.pending:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                raise Trouble('the browser does not answer')
            part = os.read(self.answers, 1 << 20)
            if not part:
                with open(self.log.name, 'rb') as log:
                    raise Trouble('the browser has ended: ' + log.read()[-2000:].decode(errors='replace'))
            self.pending += part
        message, self.pending = self.pending.split(b'\0', 1)
        return json.loads(message)

    def send(self, method, session=None, **params):
        """Asks, and returns the answer; what happens meanwhile is noted by its page."""
        self.number += 1
        asked = {'id': self.number, 'method': method, 'params': params}
        if session:
            asked['sessionId'] = session
        data = json.dumps(asked).encode() + b'\0'
        while data:
            data = data[os.write(self.to, data):]
        until = time.monotonic() + LIMIT
        while True:
            said = self.read(until)
            if said.get('id') == asked['id']:
                if 'error' in said:
                    raise Trouble(f'{method}: {said["error"]["message"]}')
                return said['result']
            self.note(said)

    def note(self, said):
        page = self.pages.get(said.get('sessionId'))
        if page:
            page.note(said['method'], said['params'])

    def open(self, url=None, width=1280, height=800, dark=False):
        """A new page, at that address where one is given."""
        target = self.send('Target.createTarget', url='about:blank')['targetId']
        session = self.send('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        page = self.pages[session] = Page(self, session, target)
        for domain in ('Page', 'Runtime', 'Network', 'Log'):
            page.send(f'{domain}.enable')
        page.size(width, height)
        page.dark(dark)
        if url:
            page.go(url)
        return page


class Page:
    def __init__(self, browser, session, target):
        self.browser, self.session, self.target = browser, session, target
        self.complaints = []  # errors and warnings, of scripts and of the browser
        self.requests = []    # addresses
        self.dialogs = []     # alert() and its kin: a script that should not have run
        self.loads = 0

    def send(self, method, **params):
        return self.browser.send(method, self.session, **params)

    def note(self, method, params):
        if method == 'Runtime.exceptionThrown':
            details = params['exceptionDetails']
            self.complaints.append(details.get('exception', {}).get('description') or details['text'])
        elif method == 'Runtime.consoleAPICalled' and params['type'] in ('error', 'warning', 'assert'):
            self.complaints.append(' '.join(str(arg.get('value', arg.get('description')))
                                            for arg in params['args']))
        elif method == 'Log.entryAdded' and params['entry']['level'] in ('error', 'warning'):
            self.complaints.append(params['entry']['text'])
        elif method == 'Network.requestWillBeSent':
            self.requests.append(params['request']['url'])
        elif method == 'Page.javascriptDialogOpening':
            self.dialogs.append(params['message'])
            self.browser.send('Page.handleJavaScriptDialog', self.session, accept=False)
        elif method == 'Page.loadEventFired':
            self.loads += 1

    def go(self, url):
        said = self.send('Page.navigate', url=url)
        if said.get('errorText'):
            raise Trouble(f'{url}: {said["errorText"]}')

    def size(self, width, height):
        self.send('Emulation.setDeviceMetricsOverride', width=width, height=height,
                  deviceScaleFactor=1, mobile=False)

    def dark(self, is_dark):
        self.send('Emulation.setEmulatedMedia',
                  features=[{'name': 'prefers-color-scheme', 'value': 'dark' if is_dark else 'light'}])

    def eval(self, script):
        """The value of an expression; a promise is waited for."""
        said = self.send('Runtime.evaluate', expression=script, returnByValue=True, awaitPromise=True)
        if 'exceptionDetails' in said:
            details = said['exceptionDetails']
            raise Trouble(details.get('exception', {}).get('description') or details['text'])
        return said['result'].get('value')

    def wait(self, script, limit=LIMIT):
        """Until the expression is true; returns its value."""
        until = time.monotonic() + limit
        while True:
            try:
                value = self.eval(script)
            except Trouble as trouble:  # between two documents there is none
                if 'context' not in str(trouble):
                    raise
                value = None
            if value:
                return value
            if time.monotonic() > until:
                raise Trouble(f'never true: {script}')
            # A frame, and not a time: what is waited for happens in the page.
            self.eval('new Promise((done) => { requestAnimationFrame(done); setTimeout(done, 50); })')

    def click(self, selector, index=0):
        """In the middle of what can be seen of the element."""
        x, y = self.eval(f'''(() => {{
            const element = document.querySelectorAll({json.dumps(selector)})[{index}];
            element.scrollIntoView({{block: 'nearest'}});
            const box = element.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2];
        }})()''')
        for kind in ('mousePressed', 'mouseReleased'):
            self.send('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left', clickCount=1)

    def key(self, *keys):
        """Keys by their names in KeyboardEvent.key; a single character is typed."""
        codes = {'Enter': 13, 'Escape': 27, 'Tab': 9, 'PageDown': 34, 'PageUp': 33, 'End': 35, 'Home': 36,
                 'ArrowDown': 40, 'ArrowUp': 38, 'ArrowLeft': 37, 'ArrowRight': 39}
        for key in keys:
            what = {'key': key, 'windowsVirtualKeyCode': codes.get(key, ord(key[0].upper()))}
            if len(key) == 1:
                what['text'] = key
            elif key == 'Enter':
                what['text'] = '\r'
            self.send('Input.dispatchKeyEvent', type='keyDown', **what)
            self.send('Input.dispatchKeyEvent', type='keyUp', **{k: what[k] for k in what if k != 'text'})

    def type(self, text):
        self.send('Input.insertText', text=text)

    def drop(self, path, x=300, y=300):
        """A file from the desktop onto the page."""
        data = {'items': [], 'files': [path], 'dragOperationsMask': 1}
        for kind in ('dragEnter', 'dragOver', 'drop'):
            self.send('Input.dispatchDragEvent', type=kind, x=x, y=y, data=data)

    def screenshot(self, path):
        with open(path, 'wb') as file:
            file.write(base64.b64decode(self.send('Page.captureScreenshot', format='png')['data']))

    def pdf(self):
        return base64.b64decode(self.send('Page.printToPDF', preferCSSPageSize=True,
                                          printBackground=True)['data'])

    def close(self):
        self.browser.send('Target.closeTarget', targetId=self.target)
