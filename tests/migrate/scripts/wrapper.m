function paramsp = wrapper(varargin)
% wrapper(hidden, epochs, name): everything has a default
hidden = 6;
epochs = 2;
name = 'wrapped';
if nargin > 0, hidden = varargin{1}; end
if nargin > 1
    epochs = varargin{2};
end
if length(varargin) > 2; name = varargin{3}; end

randn('state', 5); rand('twister', 6);
[indata, intest] = get_data(0.5);
paramsp = run_one(indata, intest, hidden, epochs, name);
paramsp = run_one(indata, intest, hidden, epochs, [name '_hess'], 'hess');
if isempty(paramsp)
    return;
end
show(paramsp);

function [train, test] = get_data(scale)
d = load('curves.mat');
train = scale * d.bdata';
test = scale * d.bdatatest';
perm = randperm(size(train, 2));
train = train(:, perm);

function p = run_one(indata, intest, hidden, epochs, name, mattype)
if nargin < 6
    mattype = 'gn';
end
p = nnet_train_2(name, '', [], [], [], [], epochs, indata, indata, 4, intest, intest, 1, hidden, {'logistic', 'linear'}, mattype, 0, 'L2', 1, 2e-5, 0.95, 0);

function show(p)
fprintf('%d parameters, largest %g\n', numel(p), max(abs(p)));
