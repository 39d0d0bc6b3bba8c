"""torch.nn.utils.parametrizations: orthogonal matrices and matrices of spectral norm 1."""
from __future__ import annotations

from .. import functional
from ..module import Module
from .parametrize import register_parametrization

__all__ = ["orthogonal", "spectral_norm"]


def _weight(module, name):
    from ..._runtime import TensorBase
    weight = getattr(module, name, None)
    if not isinstance(weight, TensorBase):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


def _is_orthogonal(q):
    from ... import allclose, eye
    n, k = q.shape[-2:]
    gram = q.mT @ q
    eps = 2.0 ** -52 if str(q.dtype).endswith("float64") else 2.0 ** -23
    return allclose(gram, eye(k, dtype=q.dtype), atol=10.0 * n * eps)


def _make_orthogonal(a):
    """Q of A = QR with a positive diagonal of R."""
    from ... import geqrf, linalg
    x, tau = geqrf(a)
    q = linalg.householder_product(x, tau)
    return q * x.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)


class _Orthogonal(Module):
    def __init__(self, weight, orthogonal_map, *, use_trivialization=True):
        super().__init__()
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        self.trivialized = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x):
        from ... import cat, eye, linalg, matrix_exp
        n, k = x.shape[-2:]
        transposed = n < k
        if transposed:
            x, n, k = x.mT, k, n
        if self.orthogonal_map in ("matrix_exp", "cayley"):
            x = x.tril()
            if n != k:
                zeros = x.new_zeros((*x.shape[:-2], n, n - k))
                x = cat([x, zeros], dim=-1)
            a = x - x.mT  # skew-symmetric
            if self.orthogonal_map == "matrix_exp":
                q = matrix_exp(a)
            else:  # Cayley's (I + A/2) (I - A/2)^-1
                one = eye(n, dtype=a.dtype)
                q = linalg.solve(one - 0.5 * a, one + 0.5 * a)
            if n != k:
                q = q[..., :k]
        else:
            a = x.tril(diagonal=-1)
            tau = 2.0 / (1.0 + (a * a).sum(dim=-2))
            q = linalg.householder_product(a, tau)
            q = q * x.detach().diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)
        if self.trivialized:
            q = self.base @ q
        return q.mT if transposed else q

    def right_inverse(self, q):
        from ... import cat, geqrf, randn, zeros_like
        if q.shape != self.shape:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.shape}. Got a "
                             f"tensor of shape {q.shape}.")
        given = q
        n, k = q.shape[-2:]
        transposed = n < k
        if transposed:
            q, n, k = q.mT, k, n
        if not self.trivialized:
            if self.orthogonal_map != "householder":
                raise NotImplementedError("It is not possible to assign to the matrix exponential "
                                          "or the Cayley parametrizations when "
                                          "use_trivialization=False.")
            a, tau = geqrf(q)
            diagonal = a.diagonal(dim1=-2, dim2=-1)
            signs = diagonal.sign()
            diagonal.copy_(signs.where(tau != 0, -signs))
            return a.mT if transposed else a
        if n == k:
            q = q.clone() if _is_orthogonal(q) else _make_orthogonal(q)
        else:
            more = randn(*q.shape[:-2], n, n - k, dtype=q.dtype)
            q = _make_orthogonal(cat([q, more], dim=-1))
        self.base = q
        out = zeros_like(given)
        out.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return out


def orthogonal(module: Module, name: str = 'weight', orthogonal_map: str | None = None, *,
               use_trivialization: bool = True) -> Module:
    """Makes a matrix orthogonal (Lezcano-Casado and Martinez-Rubio, 2019). orthogonal_map:
    matrix_exp, cayley or householder."""
    weight = _weight(module, name)
    if weight.ndim < 2:
        raise ValueError("Expected a matrix or batch of matrices. Got a tensor of "
                         f"{weight.ndim} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError('orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
                         f"Got: {orthogonal_map}")
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)


class _SpectralNorm(Module):
    def __init__(self, weight, n_power_iterations=1, dim=0, eps=1e-12):
        from ... import empty
        super().__init__()
        ndim = weight.ndim
        if not -ndim <= dim < ndim:
            raise IndexError("Dimension out of range (expected to be in range of "
                             f"[-{ndim}, {ndim - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError("Expected n_power_iterations to be positive, but got "
                             f"n_power_iterations={n_power_iterations}")
        self.dim, self.eps = dim % ndim, eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._matrix(weight.detach())
            u, v = [empty(n, dtype=weight.dtype).normal_(0, 1) for n in matrix.shape]
            self.register_buffer("_u", functional.normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", functional.normalize(v, dim=0, eps=eps))
            self._iterate(matrix, 15)

    def _matrix(self, weight):
        if self.dim != 0:
            weight = weight.permute(self.dim, *[d for d in range(weight.dim()) if d != self.dim])
        return weight.flatten(1)

    def _iterate(self, matrix, n):
        from ... import mv, no_grad
        with no_grad():
            for _ in range(n):
                self._u.copy_(functional.normalize(mv(matrix, self._v), dim=0, eps=self.eps))
                self._v.copy_(functional.normalize(mv(matrix.t(), self._u), dim=0, eps=self.eps))

    def forward(self, weight):
        from ... import dot, mv
        if weight.ndim == 1:
            return functional.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._iterate(matrix.detach(), self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()
        return weight / dot(u, mv(matrix, v))

    def right_inverse(self, value):
        return value


def spectral_norm(module: Module, name: str = 'weight', n_power_iterations: int = 1,
                  eps: float = 1e-12, dim: int | None = None) -> Module:
    """Divides a tensor by its largest singular value (Miyato et al., 2018)."""
    weight = _weight(module, name)
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    return register_parametrization(module, name,
                                    _SpectralNorm(weight, n_power_iterations, dim, eps))
