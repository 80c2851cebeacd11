function hf_serve(folder)
% Answer the request in a folder, once for each line of the standard input.
%   request.mat   function, args, nargout, and path: folders to put in front of Octave's path
%   answer.mat    answer, a cell with the values; failure, the error's words, empty if there was none

warning('off', 'Octave:shadowed-function');
page_screen_output(false);
while true
    line = fgetl(stdin);  % it reads one character beyond the line, so each request ends with an empty line
    if ~ischar(line)
        break
    elseif ~isempty(line)
        answer_request(folder);
    end
end
end


function answer_request(folder)
answer = {};
failure = '';
try
    request = load(fullfile(folder, 'request.mat'));
    if ~isempty(request.path)
        addpath(request.path{:});
    end
    [answer{1:request.nargout}] = feval(request.function, request.args{:});
catch problem
    failure = problem.message;
    if ~isempty(problem.stack)
        failure = sprintf('%s (in %s, line %d)', failure, problem.stack(1).name, problem.stack(1).line);
    end
end
% The answer file carries the error, since stderr also has harmless lines that begin with "error:". It appears by
% renaming, so that nobody reads half of it.
part = fullfile(folder, 'answer.part');
save('-v7', part, 'answer', 'failure');
rename(part, fullfile(folder, 'answer.mat'));
end
