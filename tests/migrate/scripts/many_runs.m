% many short runs, names put together with sprintf
data = load('curves.mat');
X = data.bdata';  Y = data.bdatatest';
mats = {'gn', 'empfish'};
sizes = [4 8];
lls = [];
for m = 1:length(mats)
    for h = sizes
        for decay = [0.9 0.95]
            name = sprintf('many_%s_%03d_%d', mats{m}, h, round(100*decay));
            randn('state', 10*m + h);
            rand('twister', 10*m + h);
            if h == 8 && strcmp(mats{m}, 'empfish')
                continue
            end
            nnet_train_2(name, '', [], [], [], [], 2, X, X, 1, Y, Y, 1, h, {'logistic', 'logistic'}, mats{m}, 0, 'L2', 1, 2e-5, decay, 0);
            load([name '_nnet_running']);
            lls(end+1) = llrecord(end, 1);
        end
    end
end
runs = numel(lls);
csvwrite('lls.csv', lls);
fprintf('%d runs\n', runs);
fprintf('%6.2f\n', lls);
