from collections import Counter

from edgefkp.bench.plan import Cell, Plan, Settings, cells_of

CELLS = tuple(Cell(f"{number}.tflite", "litert") for number in range(6))


def test_each_round_has_every_cell_once_in_an_order_of_its_own() -> None:
    steps = list(Plan(CELLS, Settings(processes=5)).steps())
    rounds = [[step.cell for step in steps if step.round == number] for number in range(5)]
    assert all(Counter(cells) == Counter(CELLS) for cells in rounds)
    assert len({tuple(cells) for cells in rounds}) > 1
    assert [step.round for step in steps] == sorted(step.round for step in steps)


def test_the_order_is_the_seeds() -> None:
    def order(seed: int) -> list[Cell]:
        return [step.cell for step in Plan(CELLS, Settings(seed=seed)).steps()]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_a_delegate_is_measured_once_not_with_and_without_xnnpack() -> None:
    cells = cells_of(["a.tflite"], xnnpack=(True, False), delegates=("", "lib.so"), modes=("invoke",))
    assert [(cell.delegate, cell.xnnpack) for cell in cells] == [("", True), ("", False), ("lib.so", True)]
