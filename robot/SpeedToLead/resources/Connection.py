"""Who CumulusCI is to the org, and its session for the sidecar; a session never reaches Robot's log."""

from __future__ import annotations

import os
from typing import Any

from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn


@library(scope="GLOBAL")
class Connection:
    """Tells who we are, and lends our session to processes that the suites start."""

    @keyword
    def my_id(self) -> str:
        """Returns the id of the user that CumulusCI is connected as."""
        return str(self._org().user_id)

    @keyword
    def lend_our_session(self) -> None:
        """Lets processes that start from now on work by our session, through their environment."""
        org = self._org()
        os.environ |= {
            "SPEED_TO_LEAD_AUTH": "access_token",
            "SPEED_TO_LEAD_ACCESS_TOKEN": org.access_token,
            "SPEED_TO_LEAD_INSTANCE_URL": org.instance_url,
        }

    def _org(self) -> Any:
        return BuiltIn().get_library_instance("cumulusci.robotframework.CumulusCI").org
