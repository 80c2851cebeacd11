"""Plotting calls: options by name and order, as matplotlib takes them; what only concerns looks is left out."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from hf_matlab_compat.migrate import translate
from hf_matlab_compat.migrate.writer import formatted

pytest.importorskip("tree_sitter_matlab")
matplotlib = pytest.importorskip("matplotlib")

DATA = "x = 1:3; y = [2 5 3]; z = [1 2 3; 4 5 6]; n = 2;\n"
CALLS = [
    ("figure('Position', [0 0 400 300]);", "plt.figure(figsize=(400 / 100, 300 / 100))"),
    ("figure('Units', 'normalized', 'Position', [0 0 1 1]);", "plt.figure()"),
    ("figure(2, 'Name', 'a');", "plt.figure(2)"),
    ("f = figure('Color', 'w', 'Name', 'curves');", 'f = plt.figure(num="curves")'),
    ("scatter(x, y, 9, y, 'filled');", "plt.scatter(x, y, s=9, c=y)"),
    ("scatter(x, y, [], 'r', 'x');", 'plt.scatter(x, y, color="r", marker="x")'),
    ("plot(x, y, 'r--o', 'linewidth', 2, 'HandleVisibility', 'off');", 'plt.plot(x, y, "r--o", linewidth=2)'),
    ("plot(x, y, 'Marker', 'square', 'Color', [1 0 0]);", 'plt.plot(x, y, marker="s", color=np.array([1, 0, 0]))'),
    ("plot(x, y, 'b.', x, y*2, 'g-');", 'plt.plot(x, y, "b.", x, y * 2, "g-")'),
    ("h = semilogy(x, y); set(h, 'LineWidth', 3);", "# MATLAB: set(h, 'LineWidth', 3)"),
    ("title('T', 'FontSize', 14, 'Interpreter', 'none');", 'plt.title("T", fontsize=14)'),
    ("ylabel(num2str(n), 'FontWeight', 'bold');", 'plt.ylabel(str(n), fontweight="bold")'),
    ("xlabel({'a', 'b'});", 'plt.xlabel("\\n".join(["a", "b"]))'),
    ("legend('a', 'Location', 'NorthEast');", 'plt.legend(["a"], loc="upper right")'),
    ("legend({'a', 'b'}, 'Location', 'eastoutside');", 'plt.legend(["a", "b"])'),
    ("legend show", "plt.legend()"),
    ("axis([0 4 0 20]);", "plt.axis(np.array([0, 4, 0, 20]))"),
    ("axis equal tight", '(plt.axis("equal"), plt.axis("tight"))'),
    ("set(gca, 'FontSize', 14, 'YScale', 'log');", 'plt.gca().set_yscale("log")'),
    ("set(gca, 'XTick', [1 2]);", "plt.gca().set_xticks(np.array([1, 2]))"),
    (
        "set(gcf, 'Position', [0 0 500 400], 'PaperPositionMode', 'auto');",
        "plt.gcf().set_size_inches(500 / 100, 400 / 100)",
    ),
    ("set(0, 'DefaultAxesFontSize', 12);", "# MATLAB: set(0, 'DefaultAxesFontSize', 12)"),
    ("subplot(2, 2, [3 4]);", "plt.subplot(2, 2, (int(np.min(np.array([3, 4]))), int(np.max(np.array([3, 4])))))"),
    ("subplot(2, 2, 1, 'align');", "plt.subplot(2, 2, 1)"),
    ("imagesc(z, [0 16]);", 'plt.imshow(z, aspect="auto", clim=np.array([0, 16]))'),
    ("imshow(z, []);", 'plt.imshow(z, cmap="gray")'),
    ("imagesc(z); colorbar('southoutside');", "plt.colorbar()"),
    ("colormap(gray(64));", 'plt.set_cmap("gray")'),
    ("colormap('parula');", 'plt.set_cmap("viridis")'),
    ("hist(z(:), 5, 'FaceColor', 'r');", 'plt.hist(np.ravel(z.reshape(-1, 1, order="F")), 5, facecolor="r")'),
    ("bar(y, 'FaceColor', 'r');", 'plt.bar(np.arange(1, np.size(y) + 1), y, facecolor="r")'),
    ("errorbar(x, y, y, 'k-');", 'plt.errorbar(x, y, y, fmt="k-")'),
    ("text(1, 2, 'hello', 'FontSize', 9);", 'plt.text(1, 2, "hello", fontsize=9)'),
    ("print('-dpng', '-r90', 'one.png');", 'plt.savefig("one.png", dpi=90)'),
    ("print -dpng two", 'plt.savefig("two" + ".png")'),
    ("print(gcf, '-dpdf', ['three' num2str(n)]);", 'plt.savefig(f"three{n}" + ".pdf")'),
    ("saveas(gcf, 'four', 'png');", 'plt.savefig("four" + ".png")'),
    ("f = figure; saveas(f, 'five.png'); close(f);", "plt.close(f)"),
    ("close all", 'plt.close("all")'),
]


@pytest.mark.parametrize(("matlab", "python"), CALLS)
def test_a_plotting_call_runs_in_matplotlib(
    matlab: str, python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    matplotlib.use("Agg")
    made = translate(DATA + matlab + "\n")
    assert made.state == "complete", made.todos
    assert python in formatted(made.python)[0].split("\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(made.python, {})
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.mark.parametrize(
    "matlab",
    [
        "h = plot(x, y); legend(h, {'a'});",
        "saveas(gcf, 'a.fig');",
        "print('-dmeta', 'a');",
        "a = axes; plot(a, x, y);",
        "colormap(1 - gray);",
        "hist(y, x);",
        "v = axis;",
        "[m, c] = hist(y);",
        "surf(z);",
    ],
)
def test_what_matplotlib_has_otherwise_is_left_to_do(matlab: str) -> None:
    assert translate(DATA + matlab + "\n").todos
