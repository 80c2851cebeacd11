function answer = hf_tape(action, varargin)
% Keep what the shims have recorded since the last 'start': probes, stop, calls, words, numbers.

persistent tape
mlock();    % so that a "clear all" inside the trainer does not empty it
answer = [];
switch action
    case 'start'
        tape = varargin{1};
        tape.calls = {};
        tape.words = {};
        tape.numbers = [];
    case 'read'
        answer = tape;
    case 'call'
        tape.calls{end+1} = varargin{1};
    case 'number'
        tape.words{end+1} = varargin{1};
        tape.numbers(end+1) = varargin{2};
end
end
