% functions: values, optional arguments, shapes that change between calls
a = [1 2 3]; b = bump(a); csvwrite('b1.csv', [a; b]);
m = [1 2; 3 4]; n = bump(m); csvwrite('b2.csv', [m n]);
k = bump(5); csvwrite('b3.csv', k);
s.v = a; t = setv(s, 9); csvwrite('b4.csv', [s.v t.v]);
csvwrite('b5.csv', [opt(1) opt(1, 2) opt(1, 2, 3)]);
[mx, ix] = best([3 9 4]); csvwrite('b6.csv', [mx ix]);
[mx, ix] = best([3; 9; 4]); csvwrite('b7.csv', [mx ix]);
[mx, ix] = best([3 9; 10 4]); csvwrite('b8.csv', [mx ix]);
csvwrite('b9.csv', fact(5));
c = addto({}, 'x'); c = addto(c, 'y'); csvwrite('b10.csv', numel(c));
csvwrite('b11.csv', normrows([3 4; 6 8]));
csvwrite('b12.csv', normrows([3 4]));
csvwrite('b13.csv', normrows([3; 4]));
q = onehot([2 1 3]); csvwrite('b14.csv', q);
q = onehot([2; 1; 3]); csvwrite('b15.csv', q);
csvwrite('b16.csv', early(3)); csvwrite('b17.csv', early(-3));
csvwrite('b18.csv', lastof(a)); csvwrite('b19.csv', lastof(m)); csvwrite('b20.csv', lastof(7));
v = []; for i = 1:3, v = push(v, i * 2); end, csvwrite('b21.csv', v);
w = zeros(2, 0); for i = 1:3, w = [w, [i; i]]; end, csvwrite('b22.csv', w);
z = tern(a > 1, a, -a); csvwrite('b23.csv', z);
f = @(x) sum(x(:) .^ 2); csvwrite('b24.csv', [f(a) f(m)]);
csvwrite('b25.csv', apply(@(x) x + 1, m));
g = 3; h = @(x) x * g; g = 4; csvwrite('b26.csv', apply(h, m));
csvwrite('b27.csv', cumul(a)); csvwrite('b28.csv', cumul(a'));
r = winsum(1:10, 3); csvwrite('b29.csv', r);
[p1, p2] = halves(1:7); csvwrite('b30.csv', [numel(p1) numel(p2) p1(end) p2(1)]);
x = rot(m); x = rot(x); csvwrite('b31.csv', x);
A = m; for i = 1:2, A(i, :) = A(i, :) / sum(A(i, :)); end, csvwrite('b32.csv', A);
B = m; B(:, end+1) = sum(B, 2); B(end+1, :) = sum(B, 1); csvwrite('b33.csv', B);
d = diff([1 4 9 16]); csvwrite('b34.csv', d);
L = {'a', 'bb', 'ccc'}; n = 0; for i = 1:numel(L), n = n + length(L{i}); end, csvwrite('b35.csv', n);
flag = true; cnt = 0; while flag && cnt < 5, cnt = cnt + 1; flag = ~(cnt == 3); end, csvwrite('b36.csv', cnt);
u = single(m); u = u * 0.1; csvwrite('b37.csv', double(u));
e = sum(m(:, 1) .* a(1:2)'); csvwrite('b38.csv', e);
o = m(:, 1)'; o(end+1) = 5; csvwrite('b39.csv', o);
i1 = 1:3; i1 = i1(:); i1(2) = []; csvwrite('b40.csv', i1);
y = 1; y(2, 2) = 7; csvwrite('b41.csv', y);
csvwrite('b42.csv', mean(m > 1)); csvwrite('b43.csv', mean(mean(m > 1)));
csvwrite('b44.csv', [any(m(:) > 3), all(m(:) > 0)] * 2);
p = nnet_train_2('fn', '', [], [], [], [], 1, rand(3, 4), rand(2, 4), 1, [], [], 1, [], {'linear'}, 'gn', 0, 'L2', 1, 0, 0, 0);

function x = bump(x)
x(1) = x(1) + 10;
end
function s = setv(s, k)
s.v(2) = k;
end
function r = opt(a, b, c)
if nargin < 2, b = 10; end
if nargin < 3 || isempty(c), c = 100; end
r = a + b + c;
end
function [m, i] = best(x)
[m, i] = max(x(:));
end
function r = fact(n)
if n <= 1, r = 1; return; end
r = n * fact(n - 1);
end
function c = addto(c, e)
c{end + 1} = e;
end
function x = normrows(x)
x = x ./ repmat(sqrt(sum(x .^ 2, 2)), 1, size(x, 2));
end
function t = onehot(l)
n = numel(l); t = zeros(max(l), n);
for i = 1:n, t(l(i), i) = 1; end
end
function r = early(x)
r = 0;
if x < 0
  return
end
for i = 1:10
  if i > x, break; end
  r = r + i;
end
end
function y = lastof(x)
y = x(end);
end
function v = push(v, e)
v(end + 1) = e;
end
function z = tern(c, a, b)
z = b; z(c) = a(c);
end
function y = apply(f, x)
y = f(x);
end
function s = cumul(x)
s = zeros(size(x)); t = 0;
for i = 1:length(x), t = t + x(i); s(i) = t; end
end
function r = winsum(x, w)
r = [];
for i = 1:numel(x) - w + 1
  r = [r sum(x(i:i + w - 1))];
end
end
function [a, b] = halves(x)
h = floor(length(x) / 2);
a = x(1:h); b = x(h + 1:end);
end
function y = rot(x)
y = x(end:-1:1, :)';
end
