"""Tokens as an edge reads them: good by themselves, and of somebody who is not refused by now."""

from server.accounts.revocations import Revocations
from server.accounts.tokens import Tokens
from server.accounts.viewer import Viewer
from server.clock import Clock


class Proofs(Tokens):
    """Tokens beside the board of those who are refused although their token is good."""

    def __init__(self, secret: str, ttl_s: float, clock: Clock, board: Revocations) -> None:
        super().__init__(secret, ttl_s, clock)
        self.board = board

    def read(self, token: str) -> Viewer:
        """Whom the token speaks of; also SignedOut, Suspended or Dismissed."""
        viewer = super().read(token)
        self.board.check(viewer)
        return viewer
