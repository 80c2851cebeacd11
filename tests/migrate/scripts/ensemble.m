% k-fold ensemble on the digit data w/ label noise, resume, early "peek" at logs; no time to tidy up
more off; format long g; warning('off','all');
d = load('digits.mat'); X=[]; lab=[];
for k = 0:2
  eval_name = sprintf('train%d', k);
  Xk = double(d.(eval_name))'/255;
  X = [X, Xk]; lab = [lab; k*ones(size(Xk,2),1)];
end
[D N] = size(X);
X = X(:, std(X,0,1) > 0); N = size(X,2); lab = lab(1:N);
rand('twister', 99); randn('state', 100);
flip = rand(N,1) < 0.1;
lab(flip) = mod(lab(flip) + 1, 3);
T = double(repmat(lab', 3, 1) == repmat((0:2)', 1, N));
pix = find(mean(X,2) > 0.45 & var(X,0,2) > 0); X = X(pix, :);
K = 3; fold = mod(randperm(N), K) + 1;
errs = nan_row(K); allp = {};
for f = 1:K
  te = (fold == f); tr = ~te;
  Xtr = X(:, tr); Ttr = T(:, tr);
  m = size(Xtr, 2); keep = m - mod(m, 2); Xtr = Xtr(:, 1:keep); Ttr(:, keep+1:end) = [];
  nm = strcat('fold', num2str(f));
  resume = [];
  for stage = 1:2
    p = nnet_train_2(nm, [nm '-' int2str(stage)], [], [], [], resume, stage, Xtr, Ttr, 2, X(:, te), T(:, te), 1, 4, {'logistic', 'softmax'}, 'gn', 0, 'class', 1, 2e-5, 0.95, 0);
    resume = [nm '_nnet_running.mat'];
    if exist(resume, 'file'), disp(['have ' resume]), end
  end
  R = load(resume);
  errs(f) = R.errrecord(end, 2) / numel(lab(te)) * 100;
  allp{f} = p;
  conf = zeros(3);
  hits = find(te);
  for j = hits, conf(lab(j)+1, mod(j,3)+1) = conf(lab(j)+1, mod(j,3)+1) + 1; end
  if f == 1, total = conf; else total = total + conf; end
end
[m, worst] = max(errs);
avg = (allp{1} + allp{2} + allp{3}) / K;
fprintf('fold %d worst: %.3f, mean %.3f +- %.3f\n', worst, m, mean(errs), std(errs));
csvwrite('ens.csv', [errs mean(errs) std(errs) worst]); csvwrite('conf.csv', total); csvwrite('avg.csv', avg(1:7));
c1 = total(:, 1)'; c1(end+1) = sum(total(:)); csvwrite('c1.csv', c1 ./ c1(end));

function r = nan_row(n)
r = NaN * ones(1, n);
end
