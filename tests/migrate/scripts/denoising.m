% Denoising autoencoder: every case several times, each time with other noise.
rand('state', 7); randn('state', 8);
copies = 3; noise = 0.1;
x = load('curves.mat');
clean = x.bdata(1:40, :)';
[dim, n] = size(clean);

indata = []; outdata = [];
for k = 1:copies
    noisy = clean + noise*randn(dim, n);
    noisy(noisy < 0) = 0;          % keep it a picture
    noisy = min(noisy, 1);
    indata = [indata noisy];
    outdata = [outdata clean];
end
mask = rand(size(indata)) > 0.25;
indata = indata .* mask;
order = randperm(size(indata, 2));
indata = indata(:, order); outdata = outdata(:, order);

intest = repmat(x.bdatatest(1:4, :)', 1, 2);
outtest = intest;
runName = 'denoise';
runDesc = sprintf('noise %4.2f, %d copies', noise, copies);
paramsp = nnet_train_2(runName, runDesc, [], [], [], [], 3, indata, outdata, 4, intest, outtest, 2, 8, {'logistic', 'logistic'}, 'gn', 0, 'L2', 0, 2e-5, 0.9, 0);
