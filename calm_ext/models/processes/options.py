"""What a recipe says of processes."""

from __future__ import annotations

import os
from pathlib import Path

from calm_ext.options import Section


class LaunchOptions(Section):
    """How many processes hold the model, for sampling, evaluation and training."""

    accelerate_config: str | None = None
    """An accelerate config file for several processes or machines; default: one process. Sampling by ``hf`` and
    evaluation share the batches, and give what one process gives; training computes batch_size examples in each. Where
    it has several machines, ``calm-ext align`` is started on each of them."""

    @property
    def several(self) -> bool:
        """Whether the config asks for more than one process on this machine; one without a number takes all GPUs."""
        return self.accelerate_config is not None and processes_here(Path(self.accelerate_config)) != 1

    @property
    def machines(self) -> int:
        """``num_machines`` of the config; 1 without one."""
        found = self._config.get("num_machines", 1)
        return found if isinstance(found, int) else 1

    @property
    def processes(self) -> int:
        """``num_processes`` of the config: of all machines together; 1 without one."""
        found = self._config.get("num_processes", 1)
        return found if isinstance(found, int) else 1

    @property
    def machine_rank(self) -> int:
        """``machine_rank`` of the config: the number of the machine that it is for."""
        found = self._config.get("machine_rank", 0)
        return found if isinstance(found, int) else 0

    @property
    def address(self) -> tuple[str | None, int | None]:
        """Where the config has the first machine listen: ``main_process_ip`` and ``main_process_port``."""
        ip, port = self._config.get("main_process_ip"), self._config.get("main_process_port")
        return str(ip) if ip else None, port if isinstance(port, int) else None

    @property
    def _config(self) -> dict[str, object]:
        return {} if self.accelerate_config is None else _read(Path(self.accelerate_config)) or {}

    def problems(self) -> list[str]:
        """What is wrong with the file, one a line."""
        if self.accelerate_config is None:
            return []
        path, key = Path(self.accelerate_config), "launch.accelerate_config"
        if not path.is_file():
            return [f"{key}: no such file: {path}"]
        found = _read(path)
        if found is None or not isinstance(found.get("num_processes", 1), int):
            return [f"{key}: {path} is no accelerate config; `accelerate config --config_file {path}` writes one"]
        if self.machines < 1 or (self.machines > 1 and (self.processes < 1 or self.processes % self.machines)):
            return [
                f"{key}: {path}: num_processes is that of all machines together: a multiple of num_machines "
                f"({self.machines}), and not {found.get('num_processes', 'left out')}"
            ]
        return []

    def words(self) -> str:
        """For the line of a plan."""
        return self.accelerate_config or "one process"


def processes_of(path: Path) -> int | None:
    """``num_processes`` of an accelerate config: of all machines together; None where the file does not say."""
    found = (_read(path) or {}).get("num_processes")
    return found if isinstance(found, int) else None


def processes_here(path: Path) -> int | None:
    """The processes of a config on one of its machines; None where the number is not known."""
    found = _read(path) or {}
    processes, machines = found.get("num_processes"), found.get("num_machines", 1)
    if not isinstance(processes, int) or not isinstance(machines, int) or machines < 1:
        return None
    return max(1, processes // machines)


def threads_of(path: Path) -> int | None:
    """Threads for each process of a config that computes on this machine's CPU; None where the number is not known."""
    here = processes_here(path)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1  # Linux only
    return None if here is None else max(1, cores // here)


def _read(path: Path) -> dict[str, object] | None:
    """The keys of a config; None where it is none."""
    from calm_ext.errors import CalmError
    from calm_ext.files.texts import read_yaml

    try:
        found = read_yaml(path.read_text(encoding="utf-8"), str(path))
    except (OSError, ValueError, CalmError):
        return None
    return found if isinstance(found, dict) and found else None
