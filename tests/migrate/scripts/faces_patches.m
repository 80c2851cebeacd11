% pictures as columns, one person held out
load('faces.mat');          % faces: rows x columns x pictures, person: 1 x pictures
[rows, cols, count] = size(faces);
X = reshape(faces, rows*cols, count);
X = single(X) / 255;
meanface = mean(X, 2);
X = bsxfun(@minus, X, meanface);
X = X ./ repmat(std(X(:)), size(X));
heldout = max(person);
istest = person == heldout;
intest = X(:, istest);
indata = X(:, ~istest);
indata = indata(:, 1:2*floor(end/2));
intest = intest(:, 1:end-mod(end,2));
left = find(person == 1);
first = faces(:, :, left(1));
middle = first(2:end-1, 2:2:end);
fprintf('%d x %d, middle %d x %d\n', rows, cols, size(middle,1), size(middle,2));
randn('state', 11); rand('state', 12);
paramsp = nnet_train_2('faces', '', [], [], [], [], 2, indata, indata, 2, intest, intest, 1, [9 4 9], {'logistic','linear','logistic','linear'}, 'gn', 1, 'L2', 1, 1e-4, .95, 0);
imagesc(reshape(meanface, rows, cols)); colormap gray; axis off
