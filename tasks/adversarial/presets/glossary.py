"""What the words on a page about adversarial runs mean, a sentence or two each."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tasks.adversarial.presets.methods import METHODS

EPS = {
    "eps": "The largest change of one pixel that an attack may make, where 0 is black and 1 is white; of each of "
    "its colours, where it has some.",
}
STEPS = {
    "FGSM": "Fast gradient sign method, an attack of one step: each pixel moves by the same amount, in the "
    "direction that raises the loss.",
    "PGM": "Projected gradient method, also called PGD: several such steps, each followed by a return to "
    "perturbations of at most eps per pixel. The number after it is the number of steps.",
}
L2L = {"L2L": "Learning to learn: the attacker is a small network, trained along with the classifier."}
# By name of a method: how its classifier is trained. PGM with any number of steps is explained above.
TRAININGS = {
    "plain": "Trained on unperturbed images, with no attacker.",
    "fgsm-rs": "Trained against one FGSM step from a random start.",
    "naive-l2l": "Trained against a learned attacker that sees only the image.",
    "grad-l2l": "Trained against a learned attacker that sees the image and the gradient of the loss, and takes "
    "one step.",
    "two-step-l2l": "Trained against the same kind of attacker with two steps. It sees a new gradient before the "
    "second.",
    "remembered-fgsm": "Trained against one FGSM step that starts where the last attack on the same image ended.",
    "remembered-grad-l2l": "Grad L2L, each attack starting where the last one on the same image ended.",
    "remembered-two-step-l2l": "2-Step L2L, each attack starting where the last one on the same image ended.",
    "n-fgsm": "Trained against one FGSM step from noise larger than eps, with no return to eps.",
    "free-4": "Trained on each batch four times in a row. The gradient that trains the classifier also moves the "
    "perturbation.",
    "trades-10": "Trained with TRADES, a loss that adds to the clean error how far an attack moves the prediction.",
    "mart-10": "Trained with MART, a loss that gives more weight to images that are misclassified unperturbed.",
    "fgsm-mep": "Trained against one FGSM step that starts along a running mean of the image's past gradients.",
    "fgsm-sdi": "Trained against one FGSM step that starts where a learned network puts it.",
    "nuat": "Trained against one FGSM step, with a loss that limits how far an attack moves the logits of a batch.",
    "liet": "Trained against one FGSM step that starts at a pattern made for the image's label.",
}
# By field of a result row.
ATTACKS = {
    "cw_100": "PGM-100 on the margin loss of Carlini and Wagner: how far the best wrong class is ahead of the "
    "right one.",
    "own_attacker": 'The attacker that the classifier was trained with. "-" means that it was trained with none.',
    "autoattack_quick": "Two attacks of AutoAttack that choose their step sizes themselves. APGD-CE raises the "
    "cross-entropy, APGD-T aims at one wrong class after another.",
    "autoattack": "The usual test of robustness: four attacks, APGD-CE, APGD-T, FAB-T and Square, with nothing to "
    "tune.",
}
# By word of the library that a warning may contain.
WARNED = {
    "y": "In a warning, what the attacker moves: the perturbation.",
    "inner_gain": "By how much the loss is higher where the attack ends than where it starts, on average over a "
    "batch. Below zero, the attacker helps the classifier.",
    "max_relative_step": "An argument of a learned attacker: the longest step, as a fraction of the length of the "
    "perturbation.",
    "constraint.project": "What returns a perturbation to those of at most eps.",
}


def glossary(methods: Collection[str], columns: Mapping[str, str], warned: Collection[str]) -> dict[str, str]:
    """The terms of a page, in the order in which they build on each other.

    Args:
        methods: of its runs, by name.
        columns: of its table: what each field is called.
        warned: what was warned of, in words.

    Returns:
        By term, what it means.
    """
    learned = L2L if any("L2L" in METHODS[name].title for name in methods) else {}
    trainings = {METHODS[name].title: words for name, words in TRAININGS.items() if name in methods}
    attacks = {title.replace("\n", " "): ATTACKS[field] for field, title in columns.items() if field in ATTACKS}
    words = {word.rstrip(".,:;") for words in warned for word in words.replace("(", " ").split()}
    said = {term: meaning for term, meaning in WARNED.items() if term in words}
    return {**EPS, **STEPS, **attacks, **learned, **trainings, **said}
