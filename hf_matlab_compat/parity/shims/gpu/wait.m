function wait(varargin)
% Nothing runs behind the trainer's back.
end
