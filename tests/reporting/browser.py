"""A real browser, where this machine has one."""

from __future__ import annotations

import shutil
from contextlib import contextmanager

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

# Of a page whose charts are all drawn.
WAITS = ".chart:not([data-drawn])"


def found_browser():
    return next(filter(None, map(shutil.which, BROWSERS)), None)


class Visit:
    """One page in one browser, and all that went on while it was open."""

    def __init__(self, page):
        self.page = page
        self.errors = []
        self.requests = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", self._asked)
        page.on("request", lambda request: self.requests.append(request.url))

    def _heard(self, message):
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def _asked(self, dialog):
        self.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, path):
        self.page.goto(path.as_uri())
        self.page.wait_for_selector(WAITS, state="detached", timeout=60_000)
        # Drawings are put into the page in the frame after.
        self.page.wait_for_timeout(200)
        return self


@contextmanager
def visiting(path, *, width=1000, scheme="light", **options):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found_browser(),
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        try:
            page = browser.new_page(
                viewport={"width": width, "height": 900},
                color_scheme=scheme,
                **options,
            )
            yield Visit(page).open(path)
        finally:
            browser.close()
