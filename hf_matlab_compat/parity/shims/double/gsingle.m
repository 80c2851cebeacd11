function y = gsingle(x)
% Doubles where the trainer wants singles on its GPU.

y = double(x);
end
