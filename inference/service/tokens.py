"""Who may write: whoever shows the token, where there is one."""

import hmac
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from inference.service.config import TOKEN

_BEARER = HTTPBearer(auto_error=False, description=f"The value of the service's {TOKEN}, where it has one.")


def check_token(
    request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> None:
    """Lets a request through that shows the token, or any where there is none.

    Raises:
        HTTPException: 401, the token is missing or wrong.
    """
    expected: str | None = request.app.state.settings.token
    if expected is None:
        return
    # In constant time: how long it takes must not tell how much of a guess is right.
    if shown is None or not hmac.compare_digest(shown.credentials.encode(), expected.encode()):
        raise HTTPException(
            401,
            "expected the token that this service was started with, found another or none. "
            "Remedy: send the header Authorization: Bearer TOKEN",
            {"WWW-Authenticate": 'Bearer realm="towerbridge"'},
        )
