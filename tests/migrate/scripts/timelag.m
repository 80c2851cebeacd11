% Predict a series from its past
load('series.mat', 'signal');
lags = 4; ahead = 1;
T = length(signal);
mu = mean(signal); sigma = std(signal);
signal = (signal - mu) / sigma;
cases = T - lags - ahead + 1;
indata = zeros(lags, cases);
for lag = 1:lags
    indata(lag, :) = signal(lag:lag+cases-1);
end
outdata = signal(lags+ahead:end)';
if size(outdata, 1) ~= 1
    outdata = outdata';
end
half = floor(cases/2);
intest = indata(:, half+1:end);   outtest = outdata(:, half+1:end);
indata(:, half+1:end) = [];
outdata(:, half+1:cases) = [];
randn('state', 1); rand('state', 1);
numchunks = 5;
while mod(size(indata, 2), numchunks) ~= 0
    numchunks = numchunks - 1;
end
while rem(size(intest, 2), 2)
    intest = intest(:, 1:end-1);
    outtest = outtest(:, 1:end-1);
end
paramsp = nnet_train_2('timelag', ['lags ' num2str(lags)], [], [], [], [], 2, indata, outdata, numchunks, intest, outtest, 2, [5 4], {'tanh','tanh','linear'}, 'gn', 1, 'L2', 1, 1e-4, 0.95, 0);
