import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from speciate.population.crew import Crew


def test_results_have_the_order_of_the_work() -> None:
    with Crew(3) as crew:
        assert list(crew.map(lambda n: n * n, range(50))) == [n * n for n in range(50)]


def test_every_thread_computes_with_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: vLLM puts a function that does nothing in the place of torch's."""
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    before = torch.get_num_threads()
    with Crew(2) as crew:
        assert set(crew.map(lambda _: torch.get_num_threads(), range(8))) == {1}
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_work_is_not_begun_far_ahead() -> None:
    begun: list[int] = []

    def items() -> Iterator[int]:
        for n in range(100):
            begun.append(n)
            yield n

    with Crew(2) as crew:
        first = next(crew.map(lambda n: n, items(), ahead=1))
    assert first == 0
    assert len(begun) == 2


def test_one_job_is_done_by_the_caller() -> None:
    with Crew(1) as crew:
        assert list(crew.map(lambda _: threading.get_ident(), "ab")) == [threading.get_ident()] * 2


def test_all_threads_work_even_where_nothing_is_begun_early() -> None:
    """Regression: matrices, of which few fit into memory, were merged by one thread."""
    meeting = threading.Barrier(2, timeout=10)
    with Crew(2) as crew:
        assert len(list(crew.map(lambda _: meeting.wait(), range(4), ahead=0))) == 4


def test_an_error_ends_the_work_and_the_threads() -> None:
    done: list[int] = []

    def work(n: int) -> int:
        if n == 3:
            raise ValueError("no")
        done.append(n)
        return n

    with pytest.raises(ValueError, match="no"), Crew(2) as crew:
        list(crew.map(work, range(1000)))
    assert len(done) < 50
    assert not any(thread.name.startswith("speciate") for thread in threading.enumerate())


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are seen in /proc")
def test_threads_end_for_the_system_too() -> None:
    """Regression: 1 merge in 100 hung, forked while MKL gave back a thread's memory."""

    def product(_: int) -> int:
        matrix = torch.rand(200, 200, dtype=torch.float64)
        assert (matrix @ matrix).isfinite().all()
        return threading.get_native_id()

    for _ in range(50):
        with Crew(4) as crew:
            threads = set(crew.map(product, range(8)))
        assert not threads & {int(task.name) for task in Path("/proc/self/task").iterdir()}
