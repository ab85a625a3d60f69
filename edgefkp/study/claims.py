"""What the paper claims in its abstract, results and conclusion, and the comparison that decides about each here."""

import math
from dataclasses import replace

from edgefkp.study.curves import GAP_MARGIN, SPREAD_MARGIN, steadier
from edgefkp.study.evidence import HOWS, Evidence, parameters_of
from edgefkp.study.grid import CUSTOM
from edgefkp.study.verdict import INCONCLUSIVE, ClaimVerdict, Judge, Part, alike, below, exact, lower, not_worse, times

COLUMNS = ("drop", "ffill", "knn", "augment")  # the paper's imputations
TUNED = ("tuned_drop", "tuned_ffill", "tuned_knn", "tuned_augment")
PLAIN = ("baseline", "manual", *TUNED)
RIVALS = ("naimishnet", "residual", "shi", "gao")  # [4], [10], [11], [12]
SOLVED = "The frozen backbone's head is the best linear one, solved and not trained by steps."
NO_WEIGHTS = "NASNetMobile decides nothing here: it has no ImageNet weights, 96x96 pixels and a quarter of the images."


def findings(evidence: Evidence) -> list[ClaimVerdict]:
    """Every claim with its comparisons, the conclusion's first."""
    judge = Judge(evidence)
    return [make(judge) for make in _CLAIMS]


def _manual_against_tuned(judge: Judge) -> ClaimVerdict:
    return ClaimVerdict(
        "manual is as good as the tuned networks",
        "section 5, abstract",
        "Manually optimized custom CNN models outperform or are comparable to auto tuned Keras optimized models.",
        "RMSE of manual over that of the network tuned for the same imputation; comparable: up to 5 % larger.",
        [judge.errors("manual", "tuned", column, not_worse) for column in COLUMNS],
    )


def _manual_is_ideal(judge: Judge) -> ClaimVerdict:
    others = [name for name in (*PLAIN, "mobilenetv2", "nasnetmobile") if name != "manual"]
    least = min(others, key=parameters_of)
    sizes = [exact(f"parameters, manual / {least}", parameters_of("manual"), parameters_of(least))]
    for kind in ("h5", "float32", "int8"):
        sizes.append(judge.size("manual", others, kind))
    return ClaimVerdict(
        "manual has the best curves, the least size",
        "section 5, 3.8, 4.2, 4.4",
        "On the other hand, manually tuned custom CNN models may be ideal when considering training curves, model "
        "size, and model parameters.",
        "Sizes against the smallest other network. Curves against the tuned network's: "
        f"the smaller gap (by {GAP_MARGIN} px) or spread (by {SPREAD_MARGIN:.0%}), and neither larger.",
        [*sizes, *(steadier(judge, "manual", "tuned", column) for column in COLUMNS)],
        "Curves are of averaged weights under a falling learning rate, and so smoother than the paper's.",
    )


def _manual_is_faster(judge: Judge) -> ClaimVerdict:
    return ClaimVerdict(
        "manual is faster than the tuned networks",
        "abstract",
        "However, manually optimized architectures yielded better inference time and training curves.",
        "Time of manual over that of the fastest tuned network. (Curves: the claim above.)",
        [judge.seconds("manual", TUNED, how, lower) for how in HOWS],
    )


def _mobilenet_is_best(judge: Judge) -> ClaimVerdict:
    errors = [
        judge.against_best(("mobilenetv2", column), [(row, column) for row in CUSTOM], lower) for column in COLUMNS
    ]
    heavier = parameters_of("mobilenetv2") / parameters_of("manual")
    return ClaimVerdict(
        "MobileNetV2 has the lowest RMSE and time",
        "section 5, abstract",
        "MobileNetV2 outperforms all other models with the fastest inference times but slightly compromises the model "
        "size and parameters.",
        "RMSE of fine-tuned MobileNetV2 over that of the custom network that is best on validation persons; its time "
        "over that of the fastest other network.",
        [*errors, *(judge.seconds("mobilenetv2", (*PLAIN, "nasnetmobile"), how, lower) for how in HOWS)],
        f"'Slightly': {heavier:.1f} times the parameters of manual. {NO_WEIGHTS}",
    )


def _augmentation_beats_imputation(judge: Judge) -> ClaimVerdict:
    rows = (*CUSTOM, "mobilenetv2_frozen", "mobilenetv2")
    parts = [judge.against_best((row, "augment"), [(row, "ffill"), (row, "knn")], lower) for row in rows]
    return ClaimVerdict(
        "augmentation beats imputation",
        "section 5, abstract, 4.1",
        "In both custom CNN and transfer learning models, augmented models have lower RMSE scores, proving that "
        "augmentation is superior to imputation.",
        "RMSE of each network under augment over that of the imputation which is better for it on validation persons.",
        parts,
        f"The imputations train on different rows (erratum 5), and each tuned network is another one. {NO_WEIGHTS}",
    )


def _augmentation_helps(judge: Judge) -> ClaimVerdict:
    return ClaimVerdict(
        "augmentation helps custom networks",
        "section 4.1",
        "Augmentation of custom models results in a significant increase in the performance of the models.",
        "RMSE under augment over that under drop: the same rows with and without altered copies.",
        [judge.errors(row, row, "augment", lower, "drop") for row in CUSTOM],
        "The tuned networks of the two imputations differ.",
    )


def _tuning_makes_no_difference(judge: Judge) -> ClaimVerdict:
    return ClaimVerdict(
        "fine-tuning makes no difference",
        "section 5",
        "There is no significant difference in performance between baseline non-tuned and baseline completely "
        "fine-tuned models.",
        "RMSE of MobileNetV2 with a frozen backbone over that of the fine-tuned one.",
        [judge.errors("mobilenetv2_frozen", "mobilenetv2", column, alike) for column in COLUMNS],
        f"{SOLVED} The next two claims of the paper contradict it (erratum 6). {NO_WEIGHTS}",
    )


def _four_to_five_times(judge: Judge) -> ClaimVerdict:
    return ClaimVerdict(
        "fine-tuning: 4-5 times with augmentation",
        "section 4.1",
        "Both fine-tuned MobileNetV2 and NASNetMobile trained on augmented data exhibit a 4-5x improvement in RMSE "
        "scores compared to their non-fine-tuned counterparts.",
        "RMSE of frozen MobileNetV2 over that of the fine-tuned one, both under augment; 3 to 6.25 times would do.",
        [judge.errors("mobilenetv2_frozen", "mobilenetv2", "augment", times(4, 5))],
        f"{SOLVED} {NO_WEIGHTS}",
    )


def _twice_on_knn(judge: Judge) -> ClaimVerdict:
    return ClaimVerdict(
        "fine-tuning: 2 times with KNN",
        "section 4.1",
        "Compared to its non-finetuned counterpart, fine-tuned MobileNetV2 demonstrated a 2x improvement in RMSE on "
        "KNN imputed data.",
        "RMSE of frozen MobileNetV2 over that of the fine-tuned one, both under knn; 1.5 to 2.5 times would do.",
        [judge.errors("mobilenetv2_frozen", "mobilenetv2", "knn", times(2, 2))],
        SOLVED,
    )


def _baseline_is_best_custom(judge: Judge) -> ClaimVerdict:
    return ClaimVerdict(
        "baseline is the best custom network",
        "section 4.1",
        "The Custom baseline model outperformed the manually optimized and Keras fine tuner optimized models.",
        "RMSE of baseline over that of the others under the same imputation.",
        [judge.errors("baseline", other, column, lower) for other in ("manual", "tuned") for column in COLUMNS],
    )


def _tuned_wins_augmented(judge: Judge) -> ClaimVerdict:
    return ClaimVerdict(
        "with augmentation tuned beats manual",
        "section 4.2",
        "In the case of augmentation, Keras auto-tuned models slightly outperform custom models at the cost of "
        "increasing the number of parameters and model size.",
        "RMSE of the tuned network over that of manual, both under augment.",
        [judge.errors("tuned", "manual", "augment", lower)],
    )


def _twice_as_fast(judge: Judge) -> ClaimVerdict:
    return ClaimVerdict(
        "MobileNetV2 is twice as fast as custom ones",
        "section 4.3",
        "In contrast to custom CNN models, MobileNetV2 has ten times the number of parameters and works two times "
        "faster.",
        "Time of manual, which has a tenth of the parameters, over that of MobileNetV2; 1.5 times and more would do.",
        [judge.seconds("manual", ("mobilenetv2",), how, times(2, math.inf)) for how in HOWS],
    )


def _manual_is_second(judge: Judge) -> ClaimVerdict:
    others = tuple(name for name in (*PLAIN, "nasnetmobile") if name != "manual")
    return ClaimVerdict(
        "manual is second in time",
        "section 4.3",
        "Among all models, MobileNetV2 has the quickest inference. Manually tuned models come in second.",
        "Time of manual over that of the fastest network but MobileNetV2. (First place: claim 4.)",
        [judge.seconds("manual", others, how, lower) for how in HOWS],
    )


def _time_is_the_same(judge: Judge) -> ClaimVerdict:
    return ClaimVerdict(
        "augmentation does not change the time",
        "section 4.3, abstract",
        "Augmentation does not affect the inference time in a regression scenario, as seen from the analysis.",
        "Training changes weights, never the graph: time of manual trained over that of manual untrained; "
        "the same: 5 % at most.",
        [judge.trained_seconds("manual-masked-online", "manual", how, alike) for how in ("float32", "int8")],
        "The tuner made another network for each imputation, so the paper's own times of that row differ: 1.52 to "
        "4.19 s.",
    )


def _parameters_explain_nasnet(judge: Judge) -> ClaimVerdict:
    share = parameters_of("nasnetmobile") / parameters_of("mobilenetv2")
    return ClaimVerdict(
        "parameters explain NASNetMobile's time",
        "section 4.3",
        "The enormous training parameters (twice that of MobileNetV2) account for NASNetMobile's increased inference "
        "times.",
        f"Time of NASNetMobile over that of MobileNetV2: explained where it is {share:.2f} times, give or take a "
        "quarter, as the parameters are.",
        [judge.seconds("nasnetmobile", ("mobilenetv2",), how, times(share, share)) for how in HOWS],
        "NASNetMobile multiplies ten times as often: its input has 224x224 pixels.",
    )


def _nasnet_has_better_curves(judge: Judge) -> ClaimVerdict:
    parts = [steadier(judge, "nasnetmobile", "mobilenetv2", column) for column in COLUMNS]
    return ClaimVerdict(
        "NASNetMobile has better curves",
        "section 4.4",
        "NASNetMobile has better training curves than MobileNetV2 architecture for all imputation techniques and "
        "augmentation.",
        "Gap and spread, as above; shown, not judged.",
        [replace(part, verdict=INCONCLUSIVE) for part in parts],
        NO_WEIGHTS,
    )


def _mobilenet_beats_nasnet(judge: Judge) -> ClaimVerdict:
    errors = [judge.errors("mobilenetv2", "nasnetmobile", column, lower) for column in COLUMNS]
    mine, other = parameters_of("mobilenetv2"), parameters_of("nasnetmobile")
    return ClaimVerdict(
        "MobileNetV2 beats NASNetMobile",
        "section 4.4",
        "However, when considering inference times, RMSE scores, and parameter counts, MobileNetV2 outperforms "
        "NASNetMobile.",
        "Times and parameters; the RMSE is shown, not judged.",
        [
            *(judge.seconds("mobilenetv2", ("nasnetmobile",), how, lower) for how in HOWS),
            exact("parameters", mine, other),
            *(replace(part, verdict=INCONCLUSIVE) for part in errors),
        ],
        NO_WEIGHTS,
    )


def _architecture_matters(judge: Judge) -> ClaimVerdict:
    heavier = parameters_of("mobilenetv2") / parameters_of("manual")
    return ClaimVerdict(
        "architecture, not parameters, makes the time",
        "section 5",
        "Architectural efficiency significantly impacts model performance and inference time, as demonstrated by the "
        "MobileNetV2 architecture, which uses depth-wise separable convolutions.",
        f"MobileNetV2 has {heavier:.1f} times the parameters of manual: its time is less than half as many times "
        "manual's.",
        [judge.seconds("mobilenetv2", ("manual",), how, below(heavier / 2)) for how in HOWS],
        "Of inference time only; how it shows in performance, the paper does not say.",
    )


def _beats_rivals(judge: Judge) -> ClaimVerdict:
    column = "masked-online"
    best = judge.best([(row, column) for row in (*CUSTOM, "mobilenetv2_frozen", "mobilenetv2")])
    parts = [
        Part(f"the paper's best / {rival}", f"{best} is missing", INCONCLUSIVE)
        if isinstance(best, str)
        else judge.errors(best[0], rival, column, lower)
        for rival in RIVALS
    ]
    return ClaimVerdict(
        "the best of them beats the rivals",
        "section 5",
        "Our models have the lowest RMSE compared to other state-of-the-art architectures ([4], [10], [11], [12]).",
        "RMSE of the paper's network that is best on validation persons over that of each rival, all under "
        "masked-online on equal terms.",
        parts,
        "The rivals' networks are rebuilt from their descriptions; the paper compared numbers from different data.",
    )


_CLAIMS = (
    _manual_against_tuned,
    _manual_is_ideal,
    _manual_is_faster,
    _mobilenet_is_best,
    _augmentation_beats_imputation,
    _tuning_makes_no_difference,
    _architecture_matters,
    _beats_rivals,
    _baseline_is_best_custom,
    _four_to_five_times,
    _twice_on_knn,
    _augmentation_helps,
    _tuned_wins_augmented,
    _twice_as_fast,
    _manual_is_second,
    _parameters_explain_nasnet,
    _time_is_the_same,
    _nasnet_has_better_curves,
    _mobilenet_beats_nasnet,
)
