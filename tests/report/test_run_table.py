from dataclasses import replace

from edgefkp.report import run_table


def _rows(result):
    return run_table.table(result).rows


def test_a_row_for_each_network_and_the_mean_shape(result):
    small, manual, mean = _rows(result)
    assert small == [
        "small",
        "masked-online",
        "303,470",
        "1,296",
        "1,215",
        "320",
        "0.0312",
        "0.0312",
        "2.00",
        "2.06",
        "100",
    ]
    assert manual[0] == f"manual{run_table.MARK}"
    assert (mean[0], mean[8], mean[-1]) == ("mean shape", "3.75", "100")


def test_only_a_network_behind_the_mean_shape_is_not_trained_enough(result):
    assert "not trained enough: does not beat the mean shape (manual)" in " ".join(run_table.notes(result))
    good = replace(result, models=result.models[:1])
    assert "not trained enough" not in run_table.table(good).text()


def test_a_network_that_equals_the_mean_shape_does_not_beat_it(result):
    level = replace(result, mean_shape_rmse=result.models[0].rmse)
    assert _rows(level)[0][0] == f"small{run_table.MARK}"


def test_the_terminal_has_at_most_80_columns(result, wide):
    for shown in (result, wide):
        lines = run_table.table(shown).text().splitlines()
        assert max(map(len, lines)) <= 80
        assert len({len(line) for line in lines[3 : 3 + len(shown.models)]}) == 1


def test_the_machine_and_the_runtime_stand_below(result):
    text = run_table.table(result).text(None)
    assert "litert 2.3.0, 1 thread, A board, 4 cores, aarch64" in text


def test_times_that_bench_doubts_are_named(result):
    model = result.models[0]
    doubted = replace(model.files[1], verdict="SUSPECT", reasons=["load 2.3 at the start"])
    made = replace(result, models=[replace(model, files=[model.files[0], doubted])])
    text = " ".join(run_table.notes(made))
    assert "small-masked-online.int8.tflite SUSPECT (load 2.3 at the start)" in text
    assert _rows(made)[0][6:8] == ["0.0312", "0.0312?"]  # the mark stands in the cell, too
    assert "SUSPECT" not in run_table.table(result).text()


def test_a_missing_scheme_leaves_its_cells_empty(result):
    model = replace(result.models[0], files=result.models[0].files[:1])
    row = _rows(replace(result, models=[model]))[0]
    assert [cell for cell in row if cell == "-"] == ["-"] * 3


def test_markdown_has_the_same_cells(result):
    lines = run_table.table(result).markdown().splitlines()
    body = [[cell.strip().replace("\\", "") for cell in line.strip("|").split("|")] for line in lines[2:5]]
    assert body == _rows(result)


def test_own_faces_have_a_table_of_what_they_gain(result, compared):
    table = run_table.comparison_table(compared)
    assert [row[0] for row in table.rows] == ["small-masked-online", "small.finetuned-masked-online", "-"]
    assert table.rows[1][1:] == ["fine-tuned", "0.950", "0.80 to 1.10", "+5.0%", "-0.10 to 0.02"]
    assert table.rows[2][4:] == ["-", "-"]
    text = table.text()
    assert "Use small-masked-online untouched: 1.00 px." in text
    assert "not better than that (fine-tuned 0.95 px)" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


def test_persons_that_are_not_named_are_not_claimed(compared):
    text = run_table.comparison_table(replace(compared, persons_known=False)).text(None)
    assert "faces of persons that are not named" in text
    assert "may flatter" in text


def test_a_fine_tuned_network_is_called_that_and_inherits_terms(tuned_result):
    assert _rows(tuned_result)[0][0] == "small, fine-tuned"
    few = replace(tuned_result, faces=4)
    assert "4 faces are too few to judge by: compare models by the 42 above." in run_table.table(few).text(None)
    text = run_table.table(tuned_result).text(None)
    assert "too few to judge by" not in text
    assert "Terms of small-masked-online: mine; inherited from small.keras: for research." in text


def test_doubtful_labels_stand_below_in_place_of_the_advice_to_train_more(result):
    labels = {
        "read": {"unit": "percent"},
        "doubts": ["4 of 80 faces are upside down: look at them"],
        "audit": {"sides": 4},
    }
    doubted = replace(result, data=result.data | {"labels": labels})
    text = " ".join(run_table.notes(doubted))
    assert "Doubtful labels: 4 of 80 faces are upside down" in text
    assert "does not beat the mean shape (manual), and the labels are doubtful" in text
    assert "not trained enough" not in text
