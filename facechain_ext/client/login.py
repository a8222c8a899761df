"""How a user with a password gets in: by HTTP Basic, or by the login of a webui's page."""

from __future__ import annotations

from collections.abc import Generator

import httpx

PROBE = "queue"
"""What nobody is told who may not come in, and what changes nothing."""


class Login(httpx.Auth):
    """Sends user and password; where they are not the API's, logs in to the server's page once.

    A webui knows the users of --gradio-auth by the cookie of that login alone.
    """

    def __init__(self, api: str, page: str, user: str, password: str) -> None:
        self._basic = httpx.BasicAuth(user, password)
        self._probe, self._door = f"{api}{PROBE}", f"{page}/login"
        self._given = {"username": user, "password": password}
        self._cookie: str | None = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Find the way in before the first request, whose body may go out only once."""
        if self._cookie is None:
            asked = yield self._with_password(httpx.Request("GET", self._probe))
            self._cookie = ""
            if asked.status_code == 401:
                self._cookie = _cookies((yield httpx.Request("POST", self._door, data=self._given)))
        if self._cookie:
            request.headers["Cookie"] = self._cookie
        answer = yield self._with_password(request)
        if answer.status_code == 401:  # the webui may have begun anew, and forgotten everybody
            self._cookie = None

    def _with_password(self, request: httpx.Request) -> httpx.Request:
        return next(self._basic.auth_flow(request))


def _cookies(response: httpx.Response) -> str:
    """Return what a login has set, also what is meant for https alone."""
    return "; ".join(line.partition(";")[0] for line in response.headers.get_list("set-cookie"))
