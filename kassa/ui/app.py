"""The customer's screen: draws the view that the core sends, and tells the core what a finger meant.

It holds no money and no visit. Killed at any moment and started again, it shows the same screen: the core's next view
decides all. Without a core it says so, honestly, and waits.
"""

from __future__ import annotations

import gc
import logging
from typing import Any

from kivy.app import App
from kivy.clock import Clock as Frames
from kivy.core.window import Window
from kivy.properties import BooleanProperty, NumericProperty, ObjectProperty, StringProperty
from kivy.uix.floatlayout import FloatLayout

from kassa.clock import Clock
from kassa.config import LANGUAGES, Config
from kassa.rules.view import ScreenName, View
from kassa.ui import theme, widgets
from kassa.ui.amounts import account_number, amount, moment, price
from kassa.ui.i18n import OWN_NAMES, translator
from kassa.ui.screens.account import AccountScreen
from kassa.ui.screens.attract import AttractScreen
from kassa.ui.screens.balance import BalanceScreen
from kassa.ui.screens.cash import CashScreen
from kassa.ui.screens.contact import ContactScreen
from kassa.ui.screens.out_of_service import OutOfServiceScreen
from kassa.ui.screens.page import Page, Send
from kassa.ui.screens.printing import PrintingScreen
from kassa.ui.screens.services import ServicesScreen
from kassa.ui.screens.thanks import ThanksScreen
from kassa.ui.screens.waiting import WaitingScreen

log = logging.getLogger("kassa.ui")

WIDE_FORM, TALL_FORM = (1280, 1024), (1080, 1920)
"""The two forms in whose pixels all sizes are written."""
TALL_WORDS = 1.15
WARN_S = 20
"""So long before the time is up the countdown appears."""
SETTLE_S = 0.35
"""A new screen takes no touch at first: the second half of a double tap must not confirm what nobody has read."""
PRESENCE_EVERY_S = 5.0
"""Typing and scrolling tell the core that somebody is there, but not with every finger."""
TICK_S = 1.0
LAYOUT_STEPS_MAX = 100
"""Sizes travel from words outwards a step at a time; a page must be right in its first frame."""

WAITING = "waiting"
"""The screen without a core; every other has a name in `ScreenName`."""
BETWEEN_VISITS = frozenset({ScreenName.ATTRACT, ScreenName.OUT_OF_SERVICE, ScreenName.THANKS})


class Stage(FloatLayout):
    """The pages, and over them the countdown."""

    __events__ = ("on_touched",)

    def __init__(self, app: KassaApp) -> None:
        super().__init__()
        self._app = app

    def on_touch_down(self, touch: Any) -> bool:
        """Let a finger through when the page has been there long enough to be seen."""
        return not self._app.is_settled or bool(super().on_touch_down(touch))

    def on_touch_up(self, touch: Any) -> bool:
        """A finger left the glass."""
        self.dispatch("on_touched")
        return bool(super().on_touch_up(touch))

    def on_touched(self) -> None:
        """Somebody is there."""


class KassaApp(App):
    """One window. `send(name, **values)` tells the core an intent; `show` draws what it answers."""

    u = NumericProperty(1.0)
    """One unit in pixels; every size and font in the .kv files is a multiple of it."""
    small = NumericProperty(1.0)
    """The unit of small words: a tall panel is large, and read from further away."""
    wide = BooleanProperty(True)
    window_width, window_height = NumericProperty(WIDE_FORM[0]), NumericProperty(WIDE_FORM[1])
    tr = ObjectProperty(translator("en"))
    owner, phone, address, terminal = StringProperty(), StringProperty(), StringProperty(), StringProperty()
    other_language, other_language_name = StringProperty(), StringProperty()
    time_text = StringProperty()

    def __init__(self, config: Config, send: Send, clock: Clock) -> None:
        super().__init__()
        self._send, self._clock = send, clock
        self._view: View | None = None
        self._deadline: float | None = None
        self._changed_at = clock.monotonic()
        self._present_at = clock.monotonic()
        self._undrawn = ""
        self._tell_presence = Frames.create_trigger(self._say_somebody_is_there)
        terminal = config.terminal
        self.owner, self.phone = terminal.owner, terminal.phone
        self.address, self.terminal = terminal.address, terminal.number
        self._languages: tuple[str, ...] = LANGUAGES
        self._speak(terminal.language)

    # --- Kivy's life cycle ----------------------------------------------------------------------------------

    def build(self) -> Stage:
        """Make every page once; a view only fills them."""
        assert widgets.frame
        theme.register_fonts()
        Window.clearcolor = theme.GROUND
        Frames.max_iteration = LAYOUT_STEPS_MAX
        Window.bind(size=self._fit, on_flip=self._say_what_was_drawn)
        self._fit(Window, Window.size)
        self._pages: dict[str, Page] = {page.name: page for page in self._make_pages()}
        self._warm_up()
        self._page: Page | None = None
        self._countdown = widgets.frame.Countdown()
        self._stage = Stage(self)
        self._stage.bind(on_touched=self._tell_presence)
        self._ticks = Frames.schedule_interval(self.tick, TICK_S)
        self._draw()
        return self._stage

    def _warm_up(self) -> None:
        """Do now what is slow when it happens first: a customer should not wait for it in the middle of a visit."""
        for language in self._languages:
            moment(self._clock.now().isoformat(), language)
        gc.collect()
        gc.freeze()  # the pages live as long as the process: looking through them for garbage takes 0.1 s

    def on_stop(self) -> None:
        """Let go of the window; Kivy may call this twice."""
        Window.unbind(size=self._fit, on_flip=self._say_what_was_drawn)
        self._ticks.cancel()
        self._tell_presence.cancel()

    def open_settings(self, *_asked: object) -> bool:
        """F1 opens nothing: a kiosk has no settings for customers."""
        return True

    # --- what the core says ---------------------------------------------------------------------------------

    def show(self, view: View | None) -> None:
        """Draw the newest view; None: there is no core now. Drawing the same view twice changes nothing."""
        if view is None and self._view is None:
            return
        if self._view is not None:
            self._pages[WAITING].payment = self._view.payment or ""
        self._view = view
        self._deadline = None
        if view is not None:
            if view.timeout_s is not None:
                self._present_at = self._clock.monotonic()
                self._deadline = self._present_at + view.timeout_s
            self.owner, self.phone, self.address = view.owner, view.phone, view.address
            self.terminal, self._languages = view.terminal, view.languages
            self._speak(view.language)
        self._draw()

    @property
    def screen(self) -> str:
        """The name of the page that is shown."""
        return self._page.name if self._page else WAITING

    @property
    def is_settled(self) -> bool:
        """Whether the page has been there long enough to take a touch."""
        return self._clock.monotonic() - self._changed_at >= SETTLE_S

    def _draw(self) -> None:
        view = self._view
        name = view.screen.value if view else WAITING
        if view is None or view.screen in BETWEEN_VISITS:
            for page in self._pages.values():
                page.forget()
        if view is not None:
            self._pages[name].show(view, self.tr)
        self._turn_to(self._pages[name])
        self.tick()

    def _turn_to(self, page: Page) -> None:
        """Put a page on the stage, under the countdown; at once, as an animation would cost what a kiosk lacks."""
        if page is self._page:
            return
        if self._page is not None:
            self._stage.remove_widget(self._page)
            self._page.leave()
        self._stage.add_widget(page, index=len(self._stage.children))
        self._page, self._undrawn = page, page.name
        self._changed_at = self._clock.monotonic()

    # --- what a finger meant --------------------------------------------------------------------------------

    def send(self, name: str, **values: str) -> None:
        """Tell the core; its next view is the answer."""
        self._present_at = self._clock.monotonic()
        self._send(name, **values)

    def switch_language(self) -> None:
        """Speak the other language; without a core only the words of the waiting page change."""
        if self._view is None:
            self._speak(self.other_language)
        else:
            self.send("set_language", language=self.other_language)

    def ask_more_time(self) -> None:
        """The customer is still there."""
        self.send("touch")

    def _say_somebody_is_there(self, *_frame: object) -> None:
        """After a touch that meant nothing to the core: the time that is left begins anew."""
        if self._deadline is None or not self._pages[self.screen].offers_more_time:
            return
        if self._clock.monotonic() - self._present_at >= PRESENCE_EVERY_S:
            self.send("touch")

    # --- time, language and size ----------------------------------------------------------------------------

    def tick(self, *_seconds: object) -> None:
        """Let time be seen: the clock, the countdown."""
        self.time_text = self._clock.now().strftime("%H:%M")
        words = self._countdown_words()
        if words:
            self._countdown.text = words
        if bool(words) != (self._countdown.parent is not None):
            if words:
                self._stage.add_widget(self._countdown)
            else:
                self._stage.remove_widget(self._countdown)

    def _countdown_words(self) -> str:
        """What happens soon by itself; empty while there is time."""
        view = self._view
        if view is None or self._deadline is None or not self._pages[self.screen].offers_more_time:
            return ""
        left = max(0, round(self._deadline - self._clock.monotonic()))
        if left > WARN_S:
            return ""
        paid = amount(view.inserted, view)
        if not paid:
            return str(
                self.tr.count(
                    "Back to the start in {number} second", "Back to the start in {number} seconds", left
                )
            )
        return str(
            self.tr.count(
                "In {number} second {sum} goes to account {account}",
                "In {number} seconds {sum} goes to account {account}",
                left, sum=price(paid, view.language), account=account_number(view),
            )
        )  # fmt: skip

    def _speak(self, language: str) -> None:
        self.tr = translator(language)
        places = [*self._languages, *self._languages]
        following = places[places.index(language) + 1] if language in places else self._languages[0]
        self.other_language = following
        self.other_language_name = OWN_NAMES.get(following, following)

    def _fit(self, _window: object, size: tuple[int, int]) -> None:
        width, height = size
        self.wide = width >= height
        form = WIDE_FORM if self.wide else TALL_FORM
        self.u = min(width / form[0], height / form[1])
        self.small = self.u if self.wide else self.u * TALL_WORDS
        self.window_width, self.window_height = width, height

    @property
    def view(self) -> View | None:
        """The newest view, which the next frame draws; None: there is no core."""
        return self._view

    def _say_what_was_drawn(self, *_flip: object) -> None:
        if self._undrawn:
            log.info("showing %s", self._undrawn)
            self._undrawn = ""

    def _make_pages(self) -> list[Page]:
        kinds: dict[str, type[Page]] = {
            WAITING: WaitingScreen,
            ScreenName.ATTRACT.value: AttractScreen,
            ScreenName.SERVICES.value: ServicesScreen,
            ScreenName.ACCOUNT.value: AccountScreen,
            ScreenName.BALANCE.value: BalanceScreen,
            ScreenName.CONTACT.value: ContactScreen,
            ScreenName.CASH.value: CashScreen,
            ScreenName.PRINTING.value: PrintingScreen,
            ScreenName.THANKS.value: ThanksScreen,
            ScreenName.OUT_OF_SERVICE.value: OutOfServiceScreen,
        }
        return [kind(name, self.send) for name, kind in kinds.items()]
