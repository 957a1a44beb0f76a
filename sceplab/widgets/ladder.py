"""The ladder diagram in a notebook: who sent what to whom, with messages to select.

Rule: `sceplab.views.ladder` makes the state, static/ladder.js draws it. The
selection is a trait, so that a cell can read, observe and set it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from sceplab.report.ladder import drawn, lay_out, without_times
from sceplab.scep.conversation import DecodedExchange
from sceplab.scep.message import PkiMessage
from sceplab.views.ladder import ladder_html, ladder_state, older_words
from sceplab.views.page import ladder_page
from sceplab.views.script import STATIC, join
from sceplab.views.state import Place
from sceplab.widgets.live import CHOSEN, Saved, View


class Ladder(Saved, View):
    """A live ladder diagram of decoded exchanges.

    Args:
        decoded: What `decode_exchanges` gave, or a part of it.
        names: Labels of lifelines by endpoint ("127.0.0.1:8080") or host
            ("192.0.2.1"). Endpoints with the same label are one actor: name both
            endpoints of an RA, and it has one lifeline, between its client and its
            CA. (Its port as a client changes: name the endpoint of each exchange,
            or its host where no other actor has the same host.)
        timed: Show the time of each message; False shows their order only.
        newest: Scroll to the last message when it is first shown.

    A click or Enter selects a message. `selected` is then `{"exchange": n, "side":
    "request" or "reply"}`, with n the index in `decoded`; `{}` where nothing is selected.
    It can be observed and set. `selected_message` is the pkiMessage there.

    Assign `decoded` or `names`, or call `show` for both, to draw it again; the
    selection stays while its exchange is there. Arrows are in the order of
    `Exchange.time` (requests) and `Exchange.answered` (replies) as far as these
    are known, else in the order of `decoded`.
    """

    _esm = join(STATIC / "ladder.js")
    _css = STATIC / "ladder.css"
    lifelines: Any = traitlets.List().tag(sync=True)
    arrows: Any = traitlets.List().tag(sync=True)
    older: Any = traitlets.Int().tag(sync=True)
    newest: Any = traitlets.Bool().tag(sync=True)
    selected: Any = traitlets.Dict().tag(**CHOSEN)

    def __init__(
        self,
        decoded: Sequence[DecodedExchange] = (),
        names: Mapping[str, str] | None = None,
        *,
        timed: bool = True,
        newest: bool = False,
    ) -> None:
        """Lay out the exchanges; more may come later."""
        super().__init__(newest=newest)
        self._timed = timed
        self._decoded: tuple[DecodedExchange, ...] = ()
        self._names: dict[str, str] = {}
        self.show(decoded, names)

    @property
    def decoded(self) -> tuple[DecodedExchange, ...]:
        """The exchanges that are shown; assign others, or longer ones, at any time."""
        return self._decoded

    @decoded.setter
    def decoded(self, decoded: Sequence[DecodedExchange]) -> None:
        self.show(decoded)

    @property
    def names(self) -> dict[str, str]:
        """The labels of the lifelines by endpoint or host; assign to change them."""
        return dict(self._names)

    @names.setter
    def names(self, names: Mapping[str, str]) -> None:
        self.show(self._decoded, names)

    def show(
        self, decoded: Sequence[DecodedExchange], names: Mapping[str, str] | None = None, *, older: int = 0
    ) -> None:
        """Draw other exchanges; `names` None keeps the names, `older` is how many are left out before them."""
        self._decoded = tuple(decoded)
        if names is not None:
            self._names = dict(names)
        laid = lay_out(self._decoded, self._names)
        self._ladder = ladder = laid if self._timed else without_times(laid)
        chosen = self.selected if self._exists(self.selected) else {}
        with self.hold_sync():
            state = ladder_state(ladder, older=older, newest=self.newest)
            for name, value in (state | {"selected": chosen}).items():
                setattr(self, name, value)

    def _exists(self, place: Mapping[str, Any]) -> bool:
        wanted = (place.get("exchange"), place.get("side"))
        return any((a.exchange, a.side) == wanted for a in self._ladder.arrows)

    @property
    def selected_message(self) -> PkiMessage | None:
        """The pkiMessage that is selected, None where nothing is, or the message there is no pkiMessage."""
        exchange, side = self.selected.get("exchange"), self.selected.get("side")
        if not isinstance(exchange, int) or not 0 <= exchange < len(self._decoded):
            return None
        item = self._decoded[exchange]
        return item.request if side == "request" else item.reply

    def select(self, exchange: int, side: str = "request") -> None:
        """Select a message; raises LookupError where there is no such arrow."""
        place: Place = {"exchange": exchange, "side": side}
        if not self._exists(place):
            raise LookupError(f"exchange {exchange} has no {side}")
        self.selected = place

    # ---------------------------------------------------------- where JavaScript does not run

    def __repr__(self) -> str:
        words = older_words(self.older)
        return "\n".join([*filter(None, [words]), *drawn(self._ladder)]) or "Ladder: no exchange yet"

    def _page(self, *, show_secrets: bool) -> str:
        state = ladder_state(self._ladder, older=self.older, newest=self.newest)
        state["selected"] = self.selected
        return ladder_page(self._decoded, self._ladder, state, show_secrets=show_secrets)

    def _still(self) -> str:
        return ladder_html(self._ladder, self.older)
