% start from a stack of pre-trained layers, decoder = transposes
load pretrained
load curves.mat
indata = bdata'; intest = bdatatest';
layers = length(enc);
Win = cell(2*layers, 1);
bin = cell(2*layers, 1);
for i = 1:layers
    Win{i} = enc{i};
    bin{i} = encbias{i};
    Win{2*layers - i + 1} = enc{i}';
    bin{2*layers+1-i} = decbias{i};
end
layersizes = [];
for i = 1:layers
    layersizes(i) = size(enc{i}, 1);
end
layersizes = [layersizes layersizes(end-1:-1:1)];
layertypes = {};
for i = 1:2*layers
    layertypes{end+1} = 'logistic';
end
layertypes{layers} = 'linear';
paramsp = nnet_train_2('pretrained', 'from a stack', [], Win, bin, [], 2, indata, indata, 4, intest, intest, 4, layersizes, layertypes, 'gn', 0, 'L2', 1, 2e-5, 0.95, 0);
% and the same packed
packed = pack(Win, bin);
paramsp = nnet_train_2('packed', 'from a stack', packed, [], [], [], 2, indata, indata, 4, intest, intest, 4, layersizes, layertypes, 'gn', 0, 'L2', 1, 2e-5, 0.95, 0);
