"""What all workloads over channels have in common."""

from coordination.base import Coordinated

from .forms import Channels


class OverChannels(Coordinated):
    """Has channels of the form that the parameters name."""

    def __init__(self, parameters, setting):
        super().__init__(setting)
        self._channels = Channels(parameters["form"], setting)

    def close(self):
        self._channels.close()
