% small computations of every kind, written to tables that a check compares
rand('twister', 9); randn('state', 9);
x = rand(4, 6); r = 1:5; c = (1:4)'; z = zeros(2, 2); row = [3 1 2];
csvwrite('a01.csv', [sum(x); mean(x); std(x); max(x); min(x)]);
csvwrite('a02.csv', [sum(c) mean(c) std(c) max(c) sum(r) mean(r) prod(row)]);
csvwrite('a03.csv', x(:, [2 4 1]));
csvwrite('a04.csv', x([1 3], 2:2:end));
csvwrite('a05.csv', x(end, end) + x(3) + x(end));
y = x; y(:, 2) = []; y(1, :) = 7; y(:, 1) = c; y(2:3, 2:3) = z; y(y > 6) = -1;
csvwrite('a06.csv', y);
csvwrite('a07.csv', c * row(1:3));
csvwrite('a08.csv', r * r' + row * row');
csvwrite('a09.csv', x' * c);
csvwrite('a10.csv', repmat(c, 1, 3) .* repmat(row, 4, 1));
m = [row; row + 1; row .* 2];
csvwrite('a12.csv', m.^2 - 2.^m + m ./ (1 + abs(m)));
csvwrite('a13.csv', reshape(1:6, 2, 3));
csvwrite('a14.csv', reshape(x, [], 8));
idx = find(x(1, :) > 0.4); csvwrite('a15.csv', x(:, idx));
idx = find(x > 0.7); csvwrite('a16.csv', x(idx));
[s, order] = sort(row); csvwrite('a17.csv', [s; order]);
[v, where] = max(x, [], 2); csvwrite('a18.csv', [v where]);
[v, where] = min(row); csvwrite('a19.csv', [v where]);
g = []; for k = 1:4, g = [g; k k^2]; end, csvwrite('a20.csv', g);
h = []; for k = 5:-2:1, h(end+1) = k; end, csvwrite('a21.csv', h);
for k = 1:3, q(k, 2) = k; end, csvwrite('a22.csv', q);
n = 7; while n > 1, if mod(n, 2), n = 3*n + 1; else n = n/2; end, if n > 50, break, end, end
csvwrite('a23.csv', n);
csvwrite('a24.csv', [floor(-2.5) ceil(-2.5) round(-2.5) round(2.5) fix(-2.5) mod(-3, 5) rem(-3, 5) mod(5.5, 2)]);
csvwrite('a25.csv', 0:0.1:1);
csvwrite('a26.csv', linspace(0, 1, 5)');
csvwrite('a27.csv', bsxfun(@rdivide, x, sum(x, 2)));
csvwrite('a28.csv', cumsum(r) + cumsum(ones(1, 5)));
csvwrite('a29.csv', kron(eye(2), [1 2]));
csvwrite('a30.csv', [length(x) numel(x) size(x, 1) size(x, 2) length(c) ndims_of(x)]);
t = cat(3, x, 2*x); csvwrite('a31.csv', t(:, :, 2)); csvwrite('a32.csv', squeeze(sum(t, 1)));
csvwrite('a33.csv', squeeze(t(2, :, :)));
p = permute(t, [2 1 3]); csvwrite('a34.csv', p(:, 3, 1));
csvwrite('a35.csv', (x > 0.5) + (x > 0.2) - ~(x > 0.9));
csvwrite('a36.csv', any(x > 0.9) & all(x > 0.01));
csvwrite('a37.csv', x(x(:, 1) > 0.3, :));
f = @(a, b) a .* b + 1; csvwrite('a38.csv', f(x, 2));
w.a = row; w.b.c = 2 * row; w.a(2) = 10; csvwrite('a39.csv', [w.a; w.b.c]);
cells = {row, x, 'text'}; cells{2}(1, 1) = 5; cells{5} = 1; csvwrite('a40.csv', cells{2}); csvwrite('a41.csv', numel(cells));
copy = x; copy(1) = 100; csvwrite('a42.csv', x(1:2, 1:2));
i8 = 3; i8(4) = 1.5; csvwrite('a43.csv', i8);
e = r; e(2) = 0.25; e(7) = 1; csvwrite('a44.csv', e);
csvwrite('a45.csv', x(:)' * x(:));
csvwrite('a46.csv', sum(sum(x .* x)) / numel(x) * 2 ^ 3);
csvwrite('a47.csv', fliplr(r)); csvwrite('a48.csv', flipud(c));
total = 0; for v = row, total = total + v; end, csvwrite('a49.csv', total);
csvwrite('a50.csv', [ismember(2, row) isempty([]) isempty(row) strcmp('a', 'b') xor_of(1, 0)]);
u = unique([3 1 3 2]); csvwrite('a52.csv', u);
b = true(1, 4); b(2) = false; csvwrite('a53.csv', c(b));
csvwrite('a54.csv', norm(x, 'fro') + norm(c) + trace(x(1:4, 1:4)));
csvwrite('a55.csv', 2./c' + 3.*row(1));
csvwrite('a58.csv', [x(1:2, 1), x(3:4, 2)]);
csvwrite('a59.csv', max(x, 0.5) - min(c, 2) * ones(1, 6));
name = 'run'; k = 3; text = [name '_' num2str(k) '_' num2str(2.5)]; csvwrite([text '.csv'], k);
csvwrite(sprintf('%s-%02d-%g.csv', name, k, 1.5), k);
paramsp = nnet_train_2('semantics', text, [], [], [], [], 1, x, x, 1, [], [], 1, 3, {'tanh', 'linear'}, 'gn', 0, 'L2', 1, 0, 0.9, 0);

function n = ndims_of(a)
n = length(size(a));
end
function y = xor_of(a, b)
y = (a | b) & ~(a & b);
end
