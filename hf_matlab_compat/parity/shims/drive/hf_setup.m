function hf_setup(request, reference, shims)
% Put the shims before the reference on the path. The originals are copied under new names to the working folder.

real_num2str = which('num2str');
warning('off', 'all');
addpath(reference);
helpers = fullfile(reference, 'hf_helpers.txt');
if exist(helpers, 'file')
    % folders that the trainer's scripts add to the path
    cellfun(@(name) addpath(fullfile(reference, name)), strsplit(strtrim(fileread(helpers)), sprintf('\n')));
end
addpath(reference);
copyfile(fullfile(reference, 'conjgrad_1.m'), 'hf_conjgrad_1.m', 'f');
copyfile(real_num2str, 'hf_num2str.m', 'f');
if exist('OCTAVE_VERSION', 'builtin')
    % Octave's default format is text, which is slow and which few libraries read
    save_default_options('-v7');
end
for k = 1:numel(request.route)
    addpath(fullfile(shims, request.route{k}));
end
rehash();
hf_tape('start', struct('probes', [], 'stop', 'never'));
end
