"""What all kernels have in common whose tasks wait for each other."""

from kernels import Kernel
from parties import Halted


class Coordinated(Kernel):
    """Each task is a party. When one of several threads fails, the others are told, because nobody can end a thread."""

    needs_all = True

    def __init__(self, setting):
        self._parties = setting.waits.parties()
        self._waits = setting.waits
        self._party_count = setting.party_count
        # Processes are terminated, and tasks of an event loop are cancelled.
        self._can_halt = setting.context is None and not setting.is_async
        self._failure = None
        if setting.is_async:
            self.run_async = self._run_async

    async def take_part(self, party, seed):
        """What one party does. Returns its output."""
        raise NotImplementedError

    def halt(self):
        """Lets no party wait any longer for a party that has failed."""

    def run(self, seed, task):
        try:
            return at_once(self.take_part(self._parties[task], seed))
        except BaseException as error:
            if self._can_halt:
                self._end_all(error)
            raise

    async def _run_async(self, seed, task):
        return await self.take_part(self._parties[task], seed)

    def _end_all(self, error):
        """Ends the other threads. All fail with the first failure, whichever of them is collected first."""
        if isinstance(error, Halted):
            raise self._failure from None
        if self._failure is None:
            self._failure = error
        self._waits.halt()
        self.halt()


def at_once(coroutine):
    """The result of a coroutine that never awaits anything."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("a form that blocks has awaited something")
