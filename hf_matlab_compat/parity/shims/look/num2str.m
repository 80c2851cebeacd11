function text = num2str(x, varargin)
% In front of the real num2str: the same text, and a note of the number at full precision.

text = hf_num2str(x, varargin{:});
if isnumeric(x) && isscalar(x)
    hf_tape('number', text, double(x));
end
end
