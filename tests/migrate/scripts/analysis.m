% after training: codes, reconstructions, variance explained, figures
d = load('curves.mat');
x = d.bdata'; xt = d.bdatatest';
layersizes = [6 2 6];
layertypes = {'logistic', 'linearSTORE', 'logistic', 'logistic'};
runName = 'analysed';
rand('twister', 1); randn('state', 1);
nnet_train_2(runName, 'for analysis', [], [], [], [], 5, x, x, 2, xt, xt, 1, layersizes, {'logistic', 'linear', 'logistic', 'logistic'}, 'gn', 0, 'L2', 1, 2e-5, 0.95, 0);
load(sprintf('%s_nnet_running', runName));
epoch
[W, b] = unpack(paramsp, [size(x,1) layersizes size(x,1)]);
[rec, codes] = calcActivations(xt, W, b, layertypes);
resid = rec - xt;
r2 = 1 - sum(resid(:).^2) / sum(sum(bsxfun(@minus, xt, mean(xt, 2)).^2));
percase = sum(resid.^2, 1);
worst = find(percase > mean(percase));
[sorted, order] = sort(percase, 'descend');
fprintf('variance explained: %.4f; %d cases are worse than the mean\n', r2, length(worst));
csvwrite('codes.csv', codes);
csvwrite('sorted.csv', sorted(1:5));
dlmwrite('llrecord.csv', llrecord, ',');
summary = [min(percase) max(percase); median_of(percase) std(percase)];
csvwrite('summary.csv', summary);
figure(1); clf
subplot(2, 1, 1);
semilogy(1:epoch, errrecord(:, 1), 'b', 1:epoch, errrecord(:, 2), 'r--');
legend('train', 'test'); xlabel('epoch'); grid on
subplot(2,1,2); plot(codes(1,:), codes(2,:), '.');
title(['codes of ' runName]);
print('-dpng', 'codes.png');

function m = median_of(v)
v = sort(v);
k = floor((length(v) + 1) / 2);
if mod(length(v), 2) == 1
  m = v(k);
else
  m = (v(k) + v(k+1)) / 2;
end
end
