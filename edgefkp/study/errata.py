"""Errors of the paper, and questions that these data cannot answer."""

ERRATA = (
    "Table 1 counts MobileNetV2 without its head (2,257,984; 2,296,414 with it) and NASNetMobile with it. Its count of "
    "the network tuned for KNN, 246,062, is the trainable part of the one tuned for forward fill; 383,742 is the "
    "point of the same space that fits the row's own size and time.",
    "Equation 1 gives seconds per image and is called the time of 100 images; the values of table 4 fit seconds per "
    "100 images.",
    "Kaggle's test labels are not public, and the paper does not say what it tested on. In the authors' notebook that "
    "prints an RMSE of 1.06, the validation rows are noisy copies of training faces, since the split came after the "
    "augmentation. Here persons are split first, and nobody is in two parts.",
    "Imputed targets may stand in the paper's validation rows, so its imputations were scored against different "
    "truths. Here all are scored against the same labels, none of them imputed.",
    '"Augmentation beats imputation" compares different rows (complete ones against all) and, in Kaggle\'s data, two '
    "labeling schemes. Forward fill copies the coordinates of another person.",
    "Section 5 finds no difference between frozen and fine-tuned networks, section 4.1 one of 4 to 5 times. Table 3 "
    "is named and not printed; figures 6 and 7 show its numbers as bars.",
    '"MobileNetV2 is fastest" held for Keras on Colab; a TFLite file is another program (table 4).',
)
UNTESTED = (
    "LFW's labels follow one scheme. Kaggle's follow two, with the boundary at row 2284/2285, so whatever rests on "
    "them (erratum 5, the size of what imputation costs) cannot be tested on these data.",
    "The missing labels are missing here by Kaggle's own pattern, row by row, but from other faces: a face is not "
    "hard because its labels are missing.",
    "Kaggle's leaderboard: an RMSE here is not a Kaggle score, though it counts the same 27,124 coordinates.",
    "NASNetMobile with ImageNet weights, which were not available: nothing about its RMSE or its curves is judged.",
    "What another run would give: one seed for most cells. Where the difference between the two seeds of manual is "
    "larger than that between two networks, it decides nothing; intervals are over test persons.",
)
