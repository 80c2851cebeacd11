% image patches, ZCA-ish scaling by pixel, two-stage (pretrain then finetune), grid over weight costs
close all
S = load('faces'); F = double(S.faces)/255;  [h w nf] = size(F);
P = [];
for i=1:nf
  img = F(:,:,i);
  for r=1:2:h-2, for c=1:2:w-2
    patch = img(r:r+2, c:c+2);
    P(:,end+1) = patch(:);
  end, end
end
P = P - repmat(mean(P,1), size(P,1), 1);
sd = sqrt(var(P(:))); P = max(min(P, 3*sd), -3*sd) / (3*sd);
P = (P + 1)*0.4 + 0.1;
mask = std(P) > 0.01; P = P(:, mask);
if any(~mask), fprintf('%d flat patches dropped\n', sum(~mask)); end
N = size(P,2); N = N - mod(N, 6); P = P(:,1:N);
randn('state', 1); rand('twister', 2);
idx = randperm(N);
tr = idx(1:2*N/3); te = idx(2*N/3+1:end);
wcs = [0 1e-5 1e-4]; results = zeros(numel(wcs), 2); best = inf; bestp = [];
for w_ = 1:length(wcs)
    wc = wcs(w_);
    name = sprintf('patch_wc%d', w_);
    pp = nnet_train_2(name, sprintf('wc %g', wc), [], [], [], [], 1, P(:,tr), P(:,tr), 2, P(:,te), P(:,te), 1, [5 2 5], {'tanh','linear','tanh','logistic'}, 'gn', 0, 'L2', 1, wc, 0.95, 0);
    run = load([name '_nnet_running']);
    results(w_,:) = [run.errrecord(end,1) run.errrecord(end,2)];
    if results(w_,2) + wc < best
        best = results(w_,2) + wc; bestp = pp; bestw = w_;
    end
end
results
noisy = P(:,tr) + 0.05*randn(size(P(:,tr)));
noisy(noisy<0) = 0; noisy(noisy>1) = 1;
ntr = numel(tr); half = floor(ntr/2)*2;
pp2 = nnet_train_2('patch_fine', ['best was ' num2str(wcs(bestw))], bestp, [], [], [], 2, noisy(:,1:half), P(:,tr(1:half)), 2, [], [], 1, [5 2 5], {'tanh','linear','tanh','logistic'}, 'gn', 0, 'L2', 0, 0, 1, 0);
[W, b] = unpack(pp2, [9 5 2 5 9]);
codes = W{2}*tanh(W{1}*P + repmat(b{1},1,N)) + repmat(b{2},1,N);
csvwrite('patch_codes.csv', codes');
rec_var = 1 - sum(sum((codes - repmat(mean(codes,2),1,N)).^2)) / (N*numel(codes))
csvwrite('patch_stats.csv', [best bestw rec_var norm(pp2)]);
