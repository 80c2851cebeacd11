% k-fold cross-validation, a run for each fold and each weight cost
rand('twister', 3); randn('state', 4);
d = load('curves.mat');
data = d.bdata'; n = size(data,2);
folds = 3;
perm = randperm(n);
foldsize = floor(n/folds);
costs = [1e-5 1e-4];
errs = zeros(folds, length(costs));
for c = 1:length(costs)
  for fold = 1:folds
    test = perm((fold-1)*foldsize+1 : fold*foldsize);
    train = setdiff_positions(perm, test);
    runName = sprintf('cv_%d_%02d', c, fold);
    paramsp = nnet_train_2(runName, '', [], [], [], [], 1, data(:,train), data(:,train), 1, data(:,test), data(:,test), 1, [7], {'logistic','logistic'}, 'gn', 0, 'L2', 1, costs(c), 0.95, 0);
    s = load([runName '_nnet_running.mat']);
    errs(fold, c) = s.errrecord(end, 2);
  end
end
[best, where] = min(mean(errs, 1));
fprintf('best weight cost %g, error %.3f\n', costs(where), best);
csvwrite('cv_errors.csv', errs);

function rest = setdiff_positions(all_of_them, some)
  % those of the first that are not in the second, in order
  keep = true(1, length(all_of_them));
  for k = 1:length(all_of_them)
    if any(all_of_them(k) == some)
      keep(k) = false;
    end
  end
  rest = all_of_them(keep);
end
