function text = hf_words(number, problem)
% Return the error of an epoch on one line, with its place in the trainer's own files, not in these functions or in
% those of Octave or MATLAB.

where = '';
for k = 1:numel(problem.stack)
    frame = problem.stack(k);
    if is_theirs(frame)
        where = sprintf(' (in %s, line %d)', regexprep(frame.name, '^hf_(conjgrad_1|num2str)', '$1'), frame.line);
        break
    end
end
text = sprintf('epoch %d: %s%s', number, strrep(problem.message, sprintf('\n'), ' '), where);
end


function yes = is_theirs(frame)
file = '';
if isfield(frame, 'file')
    file = frame.file;
end
[~, name] = fileparts(file);
ours = fileparts(fileparts(mfilename('fullpath')));
libraries = {matlabroot(), fullfile(ours, '')};
if exist('OCTAVE_VERSION', 'builtin')
    libraries{1} = OCTAVE_HOME();
end
inside = cellfun(@(folder) strncmp(file, [folder filesep], numel(folder) + 1), libraries);
% where a file lies in no folder, its function was given on the command line
yes = strcmp(name, 'hf_conjgrad_1') || (~isempty(file) && ~any(inside) && ~strcmp(name, 'hf_num2str'));
end
