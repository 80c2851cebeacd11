function check_arguments(indata, outdata, numchunks, intest, outtest, numchunks_test, layersizes, layertypes, ...
    mattype, rms, errtype, jacket)
% Refuse what nnet_train_2 cannot compute, before any file is opened. Arguments as in nnet_train_2.

if jacket
    error('nnet_train_2:jacket', 'jacket: expected 0, got 1. The reference runs on the CPU only.');
end
check_data('indata', indata, 'outdata', outdata, 'numchunks', numchunks);
check_data('intest', intest, 'outtest', outtest, 'numchunks_test', numchunks_test);
if size(intest, 1) ~= size(indata, 1) || size(outtest, 1) ~= size(outdata, 1)
    error('nnet_train_2:intest', 'intest, outtest: expected as many rows as indata, outdata.');
end
check_word('mattype', mattype, {'gn', 'hess', 'empfish'});
check_word('errtype', errtype, {'L2', 'class', 'none'});
check_layers(layersizes, layertypes, rms);
check_curvature(mattype, layertypes, rms);
end


function check_data(inname, in, outname, out, chunksname, numchunks)
if size(in, 2) ~= size(out, 2)
    error('nnet_train_2:data', '%s, %s: expected as many columns in both, got %d and %d.', ...
        inname, outname, size(in, 2), size(out, 2));
end
if mod(size(in, 2), double(numchunks)) ~= 0
    error('nnet_train_2:numchunks', '%s: expected a divisor of the number of cases, got %d for %d cases.', ...
        chunksname, double(numchunks), size(in, 2));
end
end


function check_word(name, value, allowed)
if ~any(strcmp(value, allowed))
    error(['nnet_train_2:' name], '%s: expected one of%s, got ''%s''.', name, sprintf(' ''%s''', allowed{:}), value);
end
end


function check_layers(layersizes, layertypes, rms)
if numel(layertypes) ~= numel(layersizes) + 1
    error('nnet_train_2:layertypes', 'layertypes: expected %d, one a hidden layer and one for the output, got %d.', ...
        numel(layersizes) + 1, numel(layertypes));
end
for i = 1:numel(layertypes)
    check_word('layertypes', layertypes{i}, {'logistic', 'tanh', 'linear', 'softmax'});
end
if any(strcmp('softmax', layertypes(1:end-1)))
    error('nnet_train_2:layertypes', 'layertypes: softmax is an output unit only.');
end
if strcmp(layertypes{end}, 'tanh') && ~rms
    error('nnet_train_2:rms', 'rms: expected 1 with a tanh output, which has no error of its own, got 0.');
end
end


function check_curvature(mattype, layertypes, rms)
if strcmp(mattype, 'gn') && rms && strcmp(layertypes{end}, 'softmax')
    error('nnet_train_2:mattype', 'mattype: ''gn'' with a softmax output needs rms = 0.');
end
if strcmp(mattype, 'hess') && any(strcmp('tanh', layertypes))
    error('nnet_train_2:mattype', 'mattype: ''hess'' is not defined for tanh units.');
end
if strcmp(mattype, 'empfish') && rms
    error('nnet_train_2:mattype', 'mattype: ''empfish'' needs rms = 0.');
end
end
