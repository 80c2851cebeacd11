"""A torch.nn.Module trained by Hessian-free: its parameters are θ, and torch differentiates."""

from hf_matlab_compat import train
from hf_matlab_compat.demo.digits import shuffled_digits
from hf_matlab_compat.problem import Gradient, Score

try:
    import torch
    from torch.nn.functional import cross_entropy
except ImportError:
    torch = None


class Classifier:  # a module whose outputs are logits, on cases in rows
    def __init__(self, module, X, labels):
        self.module, self.X, self.labels = module, torch.tensor(X), torch.tensor(labels)
        self.shapes = {name: p.shape for name, p in module.named_parameters()}
        self.num_parameters, self.num_chunks = sum(s.numel() for s in self.shapes.values()), 1

    def logits(self, theta):
        parts = zip(self.shapes.items(), theta.split([s.numel() for s in self.shapes.values()]), strict=True)
        parameters = {name: part.view(shape) for (name, shape), part in parts}
        return torch.func.functional_call(self.module, parameters, (self.X,))

    def score(self, theta, on):
        z = self.logits(torch.tensor(theta))
        wrong = (z.argmax(1) != self.labels).double().mean().item()
        return Score(log_likelihood=-cross_entropy(z, self.labels).item(), error=wrong)

    def gradient(self, theta, on):
        loss = torch.func.grad_and_value(lambda t: cross_entropy(self.logits(t), self.labels))
        g, value = loss(torch.tensor(theta))
        return Gradient(-g.numpy(), -value.item())

    def curvature(self, theta, on, gradient):
        z, Jt = torch.func.vjp(self.logits, torch.tensor(theta))
        _, J = torch.func.vjp(lambda u: Jt(u)[0], z)  # Jᵀu is linear in u, so that this is v → J v
        y = z.softmax(1)
        K = (torch.diag_embed(y) - y[:, :, None] * y[:, None]) / len(y)  # curvature of the loss at the logits
        return lambda v: Jt(torch.einsum("nij,nj->ni", K, J(torch.tensor(v))[0]))[0].numpy()  # Gauss-Newton


def main(epochs: int = 10):
    """Train a small network with a unit that this package does not have."""
    if torch is None:
        return print("torch is not installed: pip install torch")
    digits, _ = shuffled_digits(train=500, test=0, seed=3)
    module = torch.nn.Sequential(torch.nn.Linear(64, 20), torch.nn.Mish(), torch.nn.Linear(20, 10))
    start = torch.nn.utils.parameters_to_vector(module.parameters()).detach()
    problem = Classifier(module, digits.images.T, digits.labels)
    result = train(problem=problem, initial_theta=start, max_epochs=epochs, preconditioner="none", initial_lam=1)
    torch.nn.utils.vector_to_parameters(torch.tensor(result.theta).float(), module.parameters())
    wrong = (module(problem.X).argmax(1) != problem.labels).sum()
    print(f"{result.history['train_error'][-1]:.1%} misread at the end", f"{wrong} by the module", sep="\n")
    return result


if __name__ == "__main__":
    main()
